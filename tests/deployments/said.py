"""What AWS and CloudFormation say in these tests: names, properties, AppSpecs, lifecycle events, dead tasks.

The lifecycle events are those of the ECS tutorial in CodeDeploy's user guide (tutorial-ecs-deployment) and of its list of
lifecycle event hooks.
"""

import datetime
from typing import Any

from tests.model.events import EVENTS

NOW = 1_800_000_000.0
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1f5a"
OLD, NEW, OTHER = (f"arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:{n}" for n in (1, 12, 123))
_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup"
BLUE, GREEN = f"{_GROUP}/blue/1", f"{_GROUP}/green/2"
SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/shop/customers"
LISTENER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/1/2"
PROPERTIES: dict[str, Any] = {
    "Application": "shop",
    "DeploymentGroup": "customers",
    "Cluster": "shop",
    "Service": SERVICE,
    "TaskDefinition": NEW,
    "ContainerName": "app",
    "ContainerPort": "8080",
    "ProductionListener": LISTENER,
    "BlueTargetGroup": BLUE,
    "GreenTargetGroup": GREEN,
    "BlueAlarms": ["blue-5xx", "blue-p99"],
    "GreenAlarms": ["green-5xx", "green-p99"],
    "CommonAlarms": ["database"],
}
EVENT: dict[str, Any] = {
    "RequestType": "Update",
    "RequestId": "request-1",
    "StackId": STACK,
    "LogicalResourceId": "Deployment",
    "PhysicalResourceId": "seachange-deployment-Deployment",
    "ResourceProperties": PROPERTIES,
    "StartedAt": int(NOW) - 60,
}
GREEN_WATCH = ("green-5xx", "green-p99", "database")
ROLLBACK = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]}


def lifecycle(reached: str, *, status: str = "InProgress", problem: str = "") -> list[dict[str, Any]]:
    """All events before `reached` Succeeded, `reached` with `status`, the rest Pending."""
    position = EVENTS.index(reached)
    events = [
        {
            "lifecycleEventName": name,
            "status": "Succeeded" if at < position else status if at == position else "Pending",
        }
        for at, name in enumerate(EVENTS)
    ]
    if problem:
        events[position]["diagnostics"] = {"errorCode": "UnknownError", "message": problem}
    return events


SHIFTED = lifecycle("AfterAllowTraffic", status="Succeeded")


# A release's own network, platform and capacity, as the properties, the AppSpec and ECS's task set say them.
RUNS: dict[str, Any] = {
    "Subnets": ["subnet-b", "subnet-a"],
    "SecurityGroups": ["sg-1"],
    "AssignPublicIp": "DISABLED",
    "PlatformVersion": "1.4.0",
    "CapacityProviders": [{"CapacityProvider": "FARGATE", "Base": "1", "Weight": "3"}],
}
RUNS_SPEC = (
    ',"PlatformVersion":"1.4.0","NetworkConfiguration":{"AwsvpcConfiguration":{"Subnets":["subnet-b","subnet-a"],'
    '"SecurityGroups":["sg-1"],"AssignPublicIp":"DISABLED"}},'
    '"CapacityProviderStrategy":[{"CapacityProvider":"FARGATE","Base":1,"Weight":3}]'
)
RUNS_SET: dict[str, Any] = {
    "networkConfiguration": {
        "awsvpcConfiguration": {
            "subnets": ["subnet-a", "subnet-b"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    },
    "platformVersion": "1.4.0",
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 3}],
}


def app_spec(task_definition: str, runs: str = "", hooks: str = "") -> str:
    """The very text that must be sent: CodeDeploy minds the casing."""
    return (
        '{"version":0.0,"Resources":[{"TargetService":{"Type":"AWS::ECS::Service","Properties":'
        f'{{"TaskDefinition":"{task_definition}","LoadBalancerInfo":{{"ContainerName":"app","ContainerPort":8080}}{runs}}}}}}}]'
        f"{hooks}}}"
    )


def dead_task(
    number: int,
    *,
    created: float = NOW - 30,
    task_definition: str = NEW,
    code: str = "EssentialContainerExited",
    **task: Any,
) -> dict[str, Any]:
    """A stopped task as DescribeTasks tells of it: killed for want of memory unless `task` says otherwise."""
    return {
        "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{number:032x}",
        "taskDefinitionArn": task_definition,
        "createdAt": when(created),
        "stoppedAt": when(created + number),
        "stopCode": code,
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}],
        **task,
    }


def when(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
