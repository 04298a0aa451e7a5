"""The frozen fragments: what belongs to them, and what the record says when one has moved."""

import copy
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from seachange.fragments import CREATE_ONLY, frozen_fragments, moved

RESOURCES: dict[str, Any] = {
    "Service": {
        "Type": "AWS::ECS::Service",
        "DependsOn": ["Prod", "Later"],
        "Properties": {
            "DeploymentController": {"Type": "CODE_DEPLOY"},
            "DesiredCount": 2,
            "TaskDefinition": "shop",
            "LoadBalancers": [{"ContainerName": "app", "ContainerPort": 8080, "TargetGroupArn": {"Ref": "Blue"}}],
            "NetworkConfiguration": {"SecurityGroups": [{"Fn::GetAtt": ["Tasks", "GroupId"]}]},
        },
    },
    "Tasks": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "tasks", "SecurityGroupIngress": ["free"], "VpcId": {"Ref": "Vpc"}},
    },
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True}},
    "Blue": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"Port": 8080}},
    "Green": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {"Port": 8080}},
    "Prod": {
        "Type": "AWS::ElasticLoadBalancingV2::Listener",
        "Properties": {"Port": 80, "DefaultActions": [{"TargetGroupArn": {"Ref": "Blue"}}]},
    },
    "Group": {
        "Type": "AWS::CodeDeploy::DeploymentGroup",
        "Properties": {
            "LoadBalancerInfo": {
                "TargetGroups": [{"Name": {"Fn::GetAtt": ["Green", "TargetGroupName"]}}],
                "ProdTrafficRoute": {"ListenerArns": [{"Ref": "Prod"}]},
            },
            "DeploymentConfigName": {"Ref": "Plan"},
        },
    },
    "Plan": {"Type": "AWS::CodeDeploy::DeploymentConfig", "Properties": {}},
    "Redirect": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {"Port": 81}},
    "Other": {"Type": "AWS::ECS::Service", "Properties": {"DesiredCount": 9}},
}
RECORDED = frozen_fragments(RESOURCES)


def test_they_start_from_the_service_and_its_deployment_group_and_go_as_far_as_references_do() -> None:
    assert sorted(RECORDED) == ["Blue", "Green", "Prod", "Service", "Tasks", "Vpc"]
    assert RECORDED["Service"]["DependsOn"] == ["Later", "Prod"]
    assert RECORDED["Tasks"]["Properties"] == {"GroupDescription": "tasks", "VpcId": {"Ref": "Vpc"}}
    assert RECORDED["Vpc"]["Properties"] == {"CidrBlock": "10.0.0.0/16"}


@pytest.mark.parametrize("resource_type", CREATE_ONLY)
def test_the_create_only_properties_are_those_of_cloudformations_schema(resource_type: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    assert CREATE_ONLY[resource_type] == {pointer.split("/")[2] for pointer in schema["createOnlyProperties"]}


def test_nothing_has_moved_when_only_free_things_did() -> None:
    after = copy.deepcopy(RESOURCES)
    after["Tasks"]["Properties"]["SecurityGroupIngress"] = ["another"]
    after["Redirect"]["Properties"]["Port"] = 82
    after["Other"]["Properties"]["DesiredCount"] = 1
    after["Service"]["DependsOn"].reverse()
    after["Further"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "new"}}
    assert moved(RECORDED, frozen_fragments(after, also=RECORDED)) == []


@pytest.mark.parametrize(
    ("logical_id", "name", "value", "way_out"),
    [
        ("Service", "DeploymentController", {"Type": "ECS"}, "cannot change a service's deployment engine"),
        ("Service", "DesiredCount", 3, "min_tasks and max_tasks"),
        ("Service", "LoadBalancers", [], "BlueGreenService(container_port=)"),
        ("Service", "NetworkConfiguration", {}, "task_subnets=, task_security_groups="),
        ("Service", "Tags", [{"Key": "GitSha"}], "tag the task definition"),
        ("Blue", "Port", 9090, "BlueGreenService(container_port=)"),
        ("Prod", "Certificates", ["two"], "ApplicationListenerCertificate"),
        ("Prod", "Port", 81, "second service under a new construct id"),
        ("Tasks", "GroupDescription", "other words", "second service under a new construct id"),
    ],
)
def test_what_moved_is_named_with_the_way_out(logical_id: str, name: str, value: object, way_out: str) -> None:
    after = copy.deepcopy(RESOURCES)
    after[logical_id]["Properties"][name] = value
    [difference] = moved(RECORDED, frozen_fragments(after, also=RECORDED))
    assert (difference.logical_id, difference.property) == (logical_id, name)
    assert way_out in difference.way_out


def test_a_changed_dependency_and_a_resource_that_is_gone_are_seen() -> None:
    after = copy.deepcopy(RESOURCES)
    after["Service"]["DependsOn"].append("Sidecar")
    del after["Green"]
    found = moved(RECORDED, frozen_fragments(after, also=RECORDED))
    assert {(one.logical_id, one.property) for one in found} == {("Service", "DependsOn"), ("Green", "resource")}
