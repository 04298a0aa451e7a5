"""For each check the answers that confirm its fact, and those that refute it. What AWS would really answer is not known: that is the point."""

import json
from collections.abc import Callable
from typing import Any

from tools.aws_acceptance.check import Verdict
from tools.aws_acceptance.checks import hook_permission, notifications
from tools.aws_acceptance.dry.answers import (
    ALARM,
    MIGRATIONS,
    NEW,
    OLD,
    SERVICE,
    STACK,
    deployment,
    event,
    reached,
    service,
    task_set,
)
from tools.aws_acceptance.dry.world import AwsError, Deploy, Script, World

GET, TARGETS, SERVICES = "codedeploy.GetDeployment", "codedeploy.BatchGetDeploymentTargets", "ecs.DescribeServices"
LIST, EVENTS = "codedeploy.ListDeployments", "cloudformation.DescribeStackEvents"
GREEN = task_set("green", "PRIMARY", NEW)


def script(check: str, verdict: Verdict, world: World) -> Script:
    """The answers that bring a check to this verdict; UNKNOWN is AWS denying everything."""
    return {} if verdict is Verdict.UNKNOWN else SCRIPTS[check](verdict is Verdict.CONFIRMED, world)


def _blue_ended(good: bool, _world: World) -> Script:
    left = [] if good else [task_set("blue", "ACTIVE")]
    return {
        LIST: [{"deployments": ["d-1"]}],
        GET: [deployment("InProgress"), deployment("InProgress"), deployment("Succeeded")],
        TARGETS: [reached("Install"), reached("AllowTraffic")],
        SERVICES: [service(task_set("blue", "PRIMARY")), service(GREEN, *left)],
    }


def _through_nat(good: bool, _world: World) -> Script:
    seen = [{"error": "timed out"} if good else {"status": 503}, {"status": 503}]
    return {"lambda.Invoke": [{"StatusCode": 200, "Payload": json.dumps(one).encode()} for one in seen]}


def _metric(good: bool, _world: World) -> Script:
    counts: list[list[float]] = [[], [5.0], [20.0]] if good else [[]]
    return {"cloudwatch.GetMetricData": [{"MetricDataResults": [{"Id": "requests", "Values": one}]} for one in counts]}


def _without_data(good: bool, _world: World) -> Script:
    alarm = {"MetricAlarms": [{"AlarmName": "silent", "StateValue": "INSUFFICIENT_DATA"}]}
    if good:
        return {"cloudwatch.DescribeAlarms": [alarm]}
    return {
        "cloudwatch.DescribeAlarms": [alarm],
        GET: [deployment("Stopped", ALARM)],
        TARGETS: [reached("BeforeInstall", "InProgress")],
    }


def _before_start(good: bool, _world: World) -> Script:
    if good:
        return {
            GET: [deployment("Created"), deployment("Stopped", ALARM)],
            TARGETS: [reached("BeforeInstall", "Pending")],
        }
    return {TARGETS: [reached("Install")]}


def _override(good: bool, _world: World) -> Script:
    ends = [deployment("Stopped", ALARM), deployment("Stopped", ALARM, rollback="d-2")]
    return {
        GET: [deployment("InProgress"), *(ends if good else [deployment("Succeeded")])],
        TARGETS: [reached("Install")],
    }


def _port(good: bool, _world: World) -> Script:
    target = {"Target": {"Id": "10.0.0.20", "Port": 8081 if good else 8080}, "TargetHealth": {"State": "healthy"}}
    return {"elbv2.DescribeTargetHealth": [{"TargetHealthDescriptions": [target]}]}


def _network(good: bool, _world: World) -> Script:
    network = {"subnets": ["subnet-1"], "securityGroups": ["sg-other"], "assignPublicIp": "DISABLED"}
    return {SERVICES: [service(task_set("green", "PRIMARY", NEW, network=network if good else None))]}


def _crash(good: bool, _world: World) -> Script:
    limit = AwsError(
        "DeploymentLimitExceededException", "The Deployment Group 'group' already has an active Deployment 'd-1'"
    )
    ends = (
        [deployment("InProgress")]
        if good
        else [deployment("InProgress"), deployment("Failed", ("TIMEOUT", "scripted"))]
    )
    return {
        "codedeploy.CreateDeployment": [{"deploymentId": "d-1"}, limit],
        GET: ends,
        TARGETS: [reached("Install", "InProgress")],
    }


def _notifications(good: bool, _world: World) -> Script:
    came = sorted(notifications.ALL)[0 if good else 1 :]
    bodies = [json.dumps({"eventTriggerName": name, "deploymentId": "d-1"}) for name in came]
    messages = [{"MessageId": str(number), "Body": body} for number, body in enumerate([*bodies, '{"AlarmName": "a"}'])]
    return {LIST: [{"deployments": ["d-1"]}], "sqs.ReceiveMessage": [{"Messages": messages}, {}]}


def _hook(good: bool, _world: World) -> Script:
    code = "InvalidLifecycleEventHookExecutionIdException" if good else hook_permission.DENIED
    answer = {"StatusCode": 200, "Payload": json.dumps({"code": code}).encode()}
    return {LIST: [{"deployments": ["d-1"]}], "lambda.Invoke": [answer]}


def _rollback(good: bool, _world: World) -> Script:
    return {
        LIST: [{"deployments": []}, {"deployments": ["d-1"]}, {"deployments": ["d-1", "d-2"]}],
        GET: [
            deployment("InProgress"),
            deployment("Stopped", ALARM),
            deployment("Succeeded", creator="codeDeployRollback"),
        ],
        TARGETS: [reached("Install")],
        SERVICES: [service(task_set("blue", "PRIMARY", OLD))],
        "cdk": [Deploy(code=1, status="UPDATE_ROLLBACK_COMPLETE" if good else "UPDATE_ROLLBACK_FAILED")],
    }


def _newer(good: bool, world: World) -> Script:
    now = world.clock.now()
    events = [
        event(now, 0, MIGRATIONS, "UPDATE_COMPLETE"),
        event(now, 9, STACK, "UPDATE_ROLLBACK_IN_PROGRESS"),
        event(now, 10, MIGRATIONS, "UPDATE_IN_PROGRESS"),
        event(now, 11, MIGRATIONS, "UPDATE_COMPLETE" if good else "UPDATE_FAILED"),
    ]
    return {EVENTS: [{"StackEvents": events[::-1]}]}


def _first(good: bool, world: World) -> Script:
    now = world.clock.now()
    events = [
        event(now, 0, SERVICE, "CREATE_IN_PROGRESS"),
        event(now, 5, "AWS::CloudFormation::WaitCondition", "CREATE_FAILED", "WaitCondition timed out"),
        event(now, 6 if good else 30, SERVICE, "CREATE_FAILED", "Resource creation cancelled"),
    ]
    return {"cdk": [Deploy(code=1, status="ROLLBACK_COMPLETE")], EVENTS: [{"StackEvents": events[::-1]}]}


def _touched(good: bool, world: World) -> Script:
    now, reason = (
        world.clock.now(),
        "Unable to update task definition on services with a CODE_DEPLOY deployment controller",
    )
    touched = [event(now, 1, SERVICE, "UPDATE_IN_PROGRESS"), event(now, 2, SERVICE, "UPDATE_FAILED", reason)]
    untouched = [event(now, 1, "AWS::EC2::SecurityGroup", "UPDATE_COMPLETE")]
    status = "UPDATE_ROLLBACK_COMPLETE" if good else "UPDATE_COMPLETE"
    return {"cdk": [Deploy(code=int(good), status=status, events=tuple(touched if good else untouched))]}


def _tagged(good: bool, world: World) -> Script:
    if good:
        return _touched(good, world)
    return {"cdk": [Deploy(events=(event(world.clock.now(), 1, SERVICE, "UPDATE_COMPLETE"),))]}


def _outlives(good: bool, _world: World) -> Script:
    serving = task_set("blue", "PRIMARY")
    ends: list[dict[str, Any]] = [service(serving), service(serving, status="DRAINING")]
    return {
        SERVICES: [service(serving), *ends],
        GET: [deployment("InProgress") if good else deployment("Stopped", ("MANUAL_STOP", "scripted"))],
        TARGETS: [reached("Install", "InProgress")],
    }


SCRIPTS: dict[str, Callable[[bool, World], Script]] = {
    "succeeded-after-blue-ended": _blue_ended,
    "lambda-through-nat": _through_nat,
    "metric-delay": _metric,
    "insufficient-data": _without_data,
    "alarm-before-start": _before_start,
    "override-rolls-back": _override,
    "container-port": _port,
    "network": _network,
    "crash-loop": _crash,
    "notifications": _notifications,
    "hook-permission": _hook,
    "rollback-after-rollback": _rollback,
    "newer-database": _newer,
    "first-tasks": _first,
    "depends-on": _touched,
    "group-description": _touched,
    "tag-change": _tagged,
    "stack-tags": _touched,
    "outlives-service": _outlives,
}
