"""`Custom::SeaChangeDeployment`, its functions and its role."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest

import seachange_deployments
from seachange_deployments.deploy import alarms_for
from tests.constructs.apps import Resources, new_service, new_stack, only, resources

PACKAGE = Path(seachange_deployments.__file__).parent


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    stack = new_stack()
    new_service(stack)
    return stack


@pytest.fixture(scope="module")
def found(stack: cdk.Stack) -> Resources:
    return resources(stack)


@pytest.fixture(scope="module")
def properties(found: Resources) -> dict[str, Any]:
    deployment: dict[str, Any] = only(found, "Custom::SeaChangeDeployment")[1]["Properties"]
    return deployment


def test_it_names_everything_that_the_lambda_asks_for(properties: dict[str, Any], found: Resources) -> None:
    types = {
        "Cluster": "AWS::ECS::Cluster",
        "Service": "AWS::ECS::Service",
        "Application": "AWS::CodeDeploy::Application",
        "DeploymentGroup": "AWS::CodeDeploy::DeploymentGroup",
        "TaskDefinition": "AWS::ECS::TaskDefinition",
        "ProductionListener": "AWS::ElasticLoadBalancingV2::Listener",
        "BlueTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
        "GreenTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
    }
    assert {name: found[properties[name]["Ref"]]["Type"] for name in types} == types
    assert (properties["ContainerName"], properties["ContainerPort"]) == ("app", "8080")
    # The framework stops polling after 50 minutes, CloudFormation a little later.
    assert properties["ServiceTimeout"] == "3300"


@pytest.mark.parametrize(("serving", "watched"), [("BlueTargetGroup", "Green"), ("GreenTargetGroup", "Blue")])
def test_each_direction_has_its_own_alarms(
    properties: dict[str, Any], found: Resources, serving: str, watched: str
) -> None:
    # As CloudFormation hands them over, only that a name is still the text of its reference.
    texts = {
        name: [str(v) for v in value] if isinstance(value, list) else str(value) for name, value in properties.items()
    }
    alarms = {str({"Ref": name}): body for name, body in found.items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    chosen = alarms_for(texts, str(texts[serving]))
    common = {str(name) for name in properties["CommonAlarms"]}
    assert len(chosen) == 6 + len(common)
    for name in set(chosen) - common:
        assert properties[f"{watched}TargetGroup"]["Ref"] in json.dumps(alarms[name])
        # But for the comparisons, an alarm of one direction does not look at the other group.
        assert (properties[serving]["Ref"] in json.dumps(alarms[name])) == ("Against" in name)


def test_the_functions_run_the_package(found: Resources) -> None:
    handlers = {
        body["Properties"]["Handler"]: body["Properties"]
        for body in found.values()
        if body["Type"] == "AWS::Lambda::Function" and body["Properties"]["Runtime"].startswith("python")
    }
    assert handlers.keys() == {"seachange_deployments.handler.on_event", "seachange_deployments.handler.is_complete"}
    for function in handlers.values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert function["Timeout"] <= 14 * 60
        assert "VpcConfig" not in function


def test_the_asset_holds_the_package_and_nothing_beside_it(stack: cdk.Stack) -> None:
    stage = cdk.Stage.of(stack)
    assert stage is not None
    assembly = stage.synth()
    folders = [path for path in Path(assembly.directory).glob("asset.*") if (path / "seachange_deployments").is_dir()]
    assert folders
    for folder in folders:
        assert [path.name for path in folder.iterdir()] == ["seachange_deployments"]
        assert {path.name for path in (folder / "seachange_deployments").iterdir()} == {
            path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"
        }


def called_actions() -> Iterator[str]:
    """The IAM actions behind every AWS call in the Lambda's sources."""
    operations: dict[str, str] = {}
    for service in ("codedeploy", "ecs", "cloudformation", "cloudwatch", "elbv2", "logs"):
        client = boto3.client(service, region_name="eu-west-1")
        prefix = "elasticloadbalancing" if service == "elbv2" else service
        operations |= {
            method: f"{prefix}:{operation}" for method, operation in client.meta.method_to_api_mapping.items()
        }
    # The hook has a function and a role of its own.
    for source in sorted({*PACKAGE.glob("*.py")} - {PACKAGE / "hook.py", PACKAGE / "addresses.py"}):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in operations:
                yield operations[node.func.attr]


def test_the_role_allows_what_the_package_calls(found: Resources) -> None:
    [role] = [
        b["Properties"]
        for b in found.values()
        if b["Type"] == "AWS::IAM::Role" and "Starts and watches" in b["Properties"].get("Description", "")
    ]
    assert "ManagedPolicyArns" not in role
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    allowed = {
        action for s in statements for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    called = set(called_actions())
    assert len(called) > 8
    assert called <= allowed
    # What CreateDeployment needs besides.
    assert allowed - called <= {
        "codedeploy:GetDeploymentConfig",
        "codedeploy:RegisterApplicationRevision",
        "codedeploy:GetApplicationRevision",
        "codedeploy:UpdateDeploymentGroup",
        # What the paginator of hook_evidence calls.
        "logs:FilterLogEvents",
    }
    assert "codedeploy:UpdateDeploymentGroup" in allowed  # the package overrides the group's alarms
    everywhere = [s["Action"] for s in statements if s["Resource"] == "*" and "Condition" not in s]
    # Exactly those that the Service Authorization Reference gives no resource type.
    assert everywhere == [
        [
            "codedeploy:BatchGetDeploymentTargets",
            "codedeploy:ContinueDeployment",
            "codedeploy:ListDeploymentTargets",
            "codedeploy:StopDeployment",
        ],
        ["cloudwatch:DescribeAlarms", "elasticloadbalancing:DescribeListeners"],
    ]
