"""CodeDeploy's group and role."""

import json
from typing import Any

import pytest

from seachange import BlueGreenService
from tests.constructs.apps import Resources, new_service, new_stack, only, resources


@pytest.fixture(scope="module")
def service() -> BlueGreenService:
    return new_service(new_stack())


@pytest.fixture(scope="module")
def found(service: BlueGreenService) -> Resources:
    return resources(service.service.stack)


@pytest.fixture(scope="module")
def group(found: Resources) -> dict[str, Any]:
    properties: dict[str, Any] = only(found, "AWS::CodeDeploy::DeploymentGroup")[1]["Properties"]
    return properties


def test_an_alarm_a_failure_or_a_stop_takes_the_release_back(group: dict[str, Any], found: Resources) -> None:
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
    }
    alarms = group["AlarmConfiguration"]
    assert (alarms["Enabled"], alarms["IgnorePollAlarmFailure"]) == (True, False)
    # The group's own list is for deployments that are started by hand, which know no direction: composites of more alarms than it takes.
    wired = [alarm["Name"]["Ref"] for alarm in alarms["Alarms"]]
    assert sorted(found[name]["Type"] for name in wired) == [
        "AWS::CloudWatch::Alarm",
        *["AWS::CloudWatch::CompositeAlarm"] * 2,
    ]
    rules = json.dumps([found[name]["Properties"].get("AlarmRule") for name in wired])
    every = {name for name, body in found.items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    assert every == {name for name in every if name in rules or name in wired}
    assert len(every) == 13


def test_blue_bakes_half_an_hour(group: dict[str, Any]) -> None:
    blue = group["BlueGreenDeploymentConfiguration"]["TerminateBlueInstancesOnDeploymentSuccess"]
    assert blue == {"Action": "TERMINATE", "TerminationWaitTimeInMinutes": 30}


def test_it_shifts_by_a_plan_that_the_template_states(group: dict[str, Any], found: Resources) -> None:
    name, plan = only(found, "AWS::CodeDeploy::DeploymentConfig")
    assert group["DeploymentConfigName"] == {"Ref": name}
    assert plan["Properties"]["TrafficRoutingConfig"]["TimeBasedLinear"] == {
        "LinearInterval": 3,
        "LinearPercentage": 10,
    }


def test_the_role_reaches_this_service_only(group: dict[str, Any], found: Resources) -> None:
    role = found[group["ServiceRoleArn"]["Fn::GetAtt"][0]]["Properties"]
    assert "ManagedPolicyArns" not in role
    [policy] = role["Policies"]
    statements = policy["PolicyDocument"]["Statement"]
    everywhere = {action for s in statements if s["Resource"] == "*" for action in s["Action"]}
    assert everywhere == {
        "cloudwatch:DescribeAlarms",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeTargetGroups",
    }
    [pass_role] = [s for s in statements if s["Action"] == "iam:PassRole"]
    assert pass_role["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    task = only(found, "AWS::ECS::TaskDefinition")[1]["Properties"]
    assert sorted(map(str, pass_role["Resource"])) == sorted(
        str(task[name]) for name in ("ExecutionRoleArn", "TaskRoleArn")
    )
    [move] = [s for s in statements if "elasticloadbalancing:ModifyListener" in s["Action"]]
    listeners = [
        {"Ref": name} for name, body in found.items() if body["Type"] == "AWS::ElasticLoadBalancingV2::Listener"
    ]
    assert all(listener in move["Resource"] for listener in listeners)
    assert len(move["Resource"]) == len(listeners) + 1  # and their rules
