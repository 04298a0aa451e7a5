"""AWS as the deployment resource sees it: botocore's Stubber around every call, with enum values checked as well.

The Stubber checks shapes but not enums, so `check_enums` walks the service model for them.
"""

import hashlib
from typing import Any

import boto3
from botocore.stub import Stubber

from seachange_deployments.observe import Clients
from seachange_deployments.reconcile import DEADLINE_S, Request, reconcile
from tests.deployments.said import (
    BLUE,
    EVENT,
    GREEN,
    LISTENER,
    NEW,
    NOW,
    OLD,
    OTHER,
    ROLLBACK,
    SERVICE,
    STACK,
    app_spec,
    when,
)
from tools.aws_acceptance.dry.shapes import check_enums


class World:
    """Clients whose every call must be expected here first, in order per service."""

    def __init__(self) -> None:
        self._serving_group = BLUE
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
        self.clients = Clients(
            **{
                name: boto3.client(name, **keys)
                for name in ("codedeploy", "ecs", "cloudformation", "cloudwatch", "elbv2", "logs")
            }
        )
        self.stubbers = {name: Stubber(client) for name, client in vars(self.clients).items()}
        for stubber in self.stubbers.values():
            stubber.activate()
        self.expected, self.calls = 0, 0
        for client in vars(self.clients).values():
            client.meta.events.register_first("before-parameter-build.*.*", self._called)

    def _called(self, **_: object) -> None:
        self.calls += 1

    def answers(self, service: str, operation: str, request: dict[str, Any], response: dict[str, Any]) -> "World":
        client = getattr(self.clients, service)
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
        check_enums(model.input_shape, request, operation)
        check_enums(model.output_shape, response, operation)
        self.stubbers[service].add_response(operation, response, request)
        self.expected += 1
        return self

    def fails(self, service: str, operation: str, code: str, message: str = "no") -> "World":
        self.stubbers[service].add_client_error(operation, code, message)
        self.expected += 1
        return self

    def stack(self, status: str = "UPDATE_IN_PROGRESS") -> "World":
        stack = {"StackName": "shop", "CreationTime": when(0), "StackStatus": status}
        return self.answers("cloudformation", "describe_stacks", {"StackName": STACK}, {"Stacks": [stack]})

    def group(self, last: str | None = None) -> "World":
        info: dict[str, Any] = {
            "autoRollbackConfiguration": ROLLBACK,
            "alarmConfiguration": {"enabled": True, "alarms": [{"name": "of-the-group"}]},
        }
        if last:
            info["lastAttemptedDeployment"] = {"deploymentId": last}
        request = {"applicationName": "shop", "deploymentGroupName": "customers"}
        return self.answers("codedeploy", "get_deployment_group", request, {"deploymentGroupInfo": info})

    def deployment(self, id_: str, task_definition: str, status: str, runs: Any = "", **info: Any) -> "World":
        """One deployment; GetDeployment has no AppSpec content, as AWS documents, GetApplicationRevision has."""
        spec = app_spec(task_definition, runs)
        revision = {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"sha256": hashlib.sha256(spec.encode()).hexdigest()},
        }
        found = {
            "applicationName": "shop",
            "deploymentId": id_,
            "status": status,
            "createTime": when(NOW - 600),
            "revision": revision,
            **info,
        }
        self.answers("codedeploy", "get_deployment", {"deploymentId": id_}, {"deploymentInfo": found})
        answer = {"applicationName": "shop", "revision": {**revision, "appSpecContent": {"content": spec}}}
        request = {"applicationName": "shop", "revision": revision}
        return self.answers("codedeploy", "get_application_revision", request, answer)

    def look(self, id_: str, task_definition: str, status: str, runs: Any = "", **info: Any) -> "World":
        """What every look begins with in a stack that is updated, when this deployment is the group's last one."""
        return self.stack().group(id_).deployment(id_, task_definition, status, runs, **info)

    def targets(self, id_: str, events: list[dict[str, Any]], *task_sets: dict[str, Any]) -> "World":
        target = "shop:customers"
        self.answers("codedeploy", "list_deployment_targets", {"deploymentId": id_}, {"targetIds": [target]})
        ecs_target = {
            "deploymentId": id_,
            "targetId": target,
            "status": "InProgress",
            "lifecycleEvents": events,
            "taskSetsInfo": list(task_sets),
        }
        return self.answers(
            "codedeploy",
            "batch_get_deployment_targets",
            {"deploymentId": id_, "targetIds": [target]},
            {"deploymentTargets": [{"deploymentTargetType": "ECSTarget", "ecsTarget": ecs_target}]},
        )

    def service(self, serving: str, group: str = BLUE, **service: Any) -> "World":
        """The service; `runs` is what the primary task set says beside its task definition, `green` a further task set."""
        self._serving_group = group
        load_balancer = {"targetGroupArn": group, "containerName": "app", "containerPort": 8080}
        draining = {"status": "DRAINING", "taskDefinition": OTHER, "loadBalancers": [{"targetGroupArn": GREEN}]}
        primary = {"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": serving, "loadBalancers": [load_balancer]}
        found = {
            "serviceName": "customers",
            "status": "ACTIVE",
            "deploymentController": {"type": "CODE_DEPLOY"},
            "desiredCount": 2,
            "taskSets": [draining, primary | service.pop("runs", {}), *service.pop("green", [])],
            **service,
        }
        request = {"cluster": "shop", "services": [SERVICE]}
        return self.answers("ecs", "describe_services", request, {"services": [found]})

    def shifting(self, id_: str, events: list[dict[str, Any]], *tasks: dict[str, Any], **service: Any) -> "World":
        """A look at a deployment whose traffic has not shifted: its events, the service, its stopped tasks."""
        return self.targets(id_, events).dying(id_, *tasks, **service)

    def dying(self, id_: str, *tasks: dict[str, Any], **service: Any) -> "World":
        """The service, with the task set that a deployment made, and its stopped tasks."""
        green = {"id": "ecs-svc/2", "status": "ACTIVE", "externalId": id_, "computedDesiredCount": 4} | service.pop(
            "set", {}
        )
        return self.service(OLD, green=[green], **service).stopped_tasks(*tasks)

    def alarms(self, *names: str, firing: tuple[str, ...] = ()) -> "World":
        request = {
            "AlarmNames": sorted(names),
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "StateValue": "ALARM",
            "MaxRecords": 100,
        }
        found = [{"AlarmName": name, "StateValue": "ALARM", "StateReason": "3 of 3 above 0.05"} for name in firing]
        return self.answers("cloudwatch", "describe_alarms", request, {"MetricAlarms": found, "CompositeAlarms": []})

    def create_request(self, *alarms: str, content: str = app_spec(NEW)) -> dict[str, Any]:
        return {
            "applicationName": "shop",
            "deploymentGroupName": "customers",
            "revision": {
                "revisionType": "AppSpecContent",
                "appSpecContent": {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()},
            },
            "description": "SeaChange: shop:12, request request-1",
            "autoRollbackConfiguration": ROLLBACK,
            "overrideAlarmConfiguration": {
                "enabled": True,
                "ignorePollAlarmFailure": False,
                "alarms": [{"name": name} for name in alarms],
            },
        }

    def listener(self, **shares: int) -> "World":
        """The production listener; all traffic on the group that serves and the other idle at weight 0, unless `green` has a share."""
        green = shares.get("green", 100 if self._serving_group == GREEN else 0)
        groups = [{"TargetGroupArn": BLUE, "Weight": 100 - green}, {"TargetGroupArn": GREEN, "Weight": green}]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        found = {"ListenerArn": LISTENER, "DefaultActions": [action]}
        return self.answers("elbv2", "describe_listeners", {"ListenerArns": [LISTENER]}, {"Listeners": [found]})

    def creates(self, id_: str, *alarms: str, content: str = app_spec(NEW)) -> "World":
        request = self.create_request(*alarms, content=content)
        return self.listener().answers("codedeploy", "create_deployment", request, {"deploymentId": id_})

    def stops(self, id_: str) -> "World":
        request = {"deploymentId": id_, "autoRollbackEnabled": True}
        return self.answers("codedeploy", "stop_deployment", request, {"status": "Pending"})

    def ends_bake(self, id_: str) -> "World":
        request = {"deploymentId": id_, "deploymentWaitType": "TERMINATION_WAIT"}
        return self.answers("codedeploy", "continue_deployment", request, {})

    def stopped_tasks(self, *tasks: dict[str, Any]) -> "World":
        arns = [task["taskArn"] for task in tasks]
        request = {"cluster": "shop", "serviceName": "customers", "desiredStatus": "STOPPED"}
        self.answers("ecs", "list_tasks", request, {"taskArns": arns})
        if tasks:
            self.answers("ecs", "describe_tasks", {"cluster": "shop", "tasks": arns}, {"tasks": list(tasks)})
        return self

    def logged(self, task: dict[str, Any], *lines: str) -> "World":
        """The newest lines of a task's log; none mean that it has no log stream."""
        if not lines:
            return self.fails("logs", "get_log_events", "ResourceNotFoundException", "no such stream")
        id_ = task["taskArn"].rsplit("/", 1)[-1]
        request = {"logGroupName": "/shop", "logStreamName": f"customers/app/{id_}", "limit": 5, "startFromHead": False}
        events = [{"timestamp": 1, "message": line} for line in lines]
        return self.answers("logs", "get_log_events", request, {"events": events})

    def settled(self) -> None:
        """Every expected call was made, and none besides: what reads evidence would swallow the Stubber's complaint."""
        for stubber in self.stubbers.values():
            stubber.assert_no_pending_responses()
        assert self.calls == self.expected


def step(
    world: World, *, late: bool = False, properties: dict[str, Any] | None = None, **changes: Any
) -> dict[str, str] | None:
    """One look at the world, a minute after CloudFormation asked, or after the deadline."""
    event = {**EVENT, **changes}
    event["ResourceProperties"] = event["ResourceProperties"] | (properties or {})
    request = Request.of(event)
    return reconcile(request, world.clients, now=lambda: request.started_at + (DEADLINE_S + 1 if late else 60))
