"""Answers in the shapes of AWS, for the scripts."""

import datetime
from typing import Any

from tools.aws_acceptance.dry.world import ACCOUNT, REGION

LIFECYCLE = ("BeforeInstall", "Install", "AfterInstall", "AllowTestTraffic", "AllowTraffic", "AfterAllowTraffic")
OLD, NEW = (f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/plain:{number}" for number in (1, 2))
ALARM = ("ALARM_ACTIVE", "One or more alarms have been activated")
SERVICE, MIGRATIONS, STACK = "AWS::ECS::Service", "Custom::SeaChangeMigrations", "AWS::CloudFormation::Stack"


def deployment(
    status: str,
    error: tuple[str, str] | None = None,
    *,
    rollback: str | None = None,
    creator: str = "user",
) -> dict[str, Any]:
    """GetDeployment."""
    info: dict[str, Any] = {"status": status, "creator": creator}
    if error:
        info["errorInformation"] = {"code": error[0], "message": error[1]}
    if rollback:
        info["rollbackInfo"] = {"rollbackDeploymentId": rollback}
    return {"deploymentInfo": info}


def reached(event: str, status: str = "Succeeded") -> dict[str, Any]:
    """BatchGetDeploymentTargets: all before `event` Succeeded, `event` with `status`, the rest Pending."""
    at = LIFECYCLE.index(event)
    events = [
        {
            "lifecycleEventName": name,
            "status": "Succeeded" if number < at else status if number == at else "Pending",
        }
        for number, name in enumerate(LIFECYCLE)
    ]
    return {"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": {"lifecycleEvents": events}}]}


def task_set(
    name: str, status: str, task_definition: str = OLD, *, running: int = 1, network: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One task set."""
    vpc = network or {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-tasks"], "assignPublicIp": "DISABLED"}
    return {
        "id": name,
        "status": status,
        "taskDefinition": task_definition,
        "runningCount": running,
        "loadBalancers": [{"targetGroupArn": "group", "containerName": "app", "containerPort": 8080}],
        "networkConfiguration": {"awsvpcConfiguration": vpc},
    }


def service(*task_sets: dict[str, Any], status: str = "ACTIVE") -> dict[str, Any]:
    """DescribeServices."""
    return {"services": [{"serviceName": "plain", "status": status, "taskSets": list(task_sets)}]}


def event(
    at: datetime.datetime, number: int, resource_type: str, status: str, reason: str | None = None, name: str = ""
) -> dict[str, Any]:
    """One stack event, `number` minutes after `at`."""
    found = {
        "StackId": "stack",
        "StackName": "stack",
        "EventId": f"{at:%H%M%S}-{number}-{resource_type}-{status}",
        "LogicalResourceId": name or resource_type.rsplit("::")[-1],
        "ResourceType": resource_type,
        "ResourceStatus": status,
        "Timestamp": at + datetime.timedelta(minutes=number),
    }
    return found if reason is None else found | {"ResourceStatusReason": reason}
