"""The model as a whole: runs a script against the deployment resource's Lambda."""

from functools import partial
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.model import doors
from tests.model.clients import aws_error
from tests.model.clock import Clock
from tests.model.cloudformation import Stack
from tests.model.cloudwatch import CloudWatch
from tests.model.codedeploy import CodeDeploy, Deployment
from tests.model.codedeploy_api import CodeDeployApi
from tests.model.ecs import STOP_REASON, Ecs
from tests.model.elbv2 import Elbv2
from tests.model.errors import LambdaDied
from tests.model.invariants import DEADLINE, Broken
from tests.model.logs import Logs
from tests.model.names import (
    ALARMS,
    APPLICATION,
    BLUE_ALARM,
    CLUSTER,
    COMMON_ALARM,
    COMPOSITE_ALARM,
    GREEN_ALARM,
    GROUP,
    GROUPS,
    LISTENER,
    SECURITY_GROUPS,
    SERVICE,
    SUBNETS,
    task_definition,
)
from tests.model.provider import Waiter
from tests.model.script import Script, Update

_CALL_S = 0.1
_SLOW_S = 9.0  # just before the clients give up


def properties(update: Update, number: int, script: Script) -> dict[str, Any]:
    """The deployment resource's properties in one update's template."""
    found: dict[str, Any] = {
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:framework-onEvent",
        "Cluster": CLUSTER,
        "Service": SERVICE,
        "Application": APPLICATION,
        "DeploymentGroup": GROUP,
        "TaskDefinition": task_definition(update.release),
        "ContainerName": "app",
        "ContainerPort": "8080",
        "ProductionListener": LISTENER,
        "BlueTargetGroup": GROUPS[0],
        "GreenTargetGroup": GROUPS[1],
        "BlueAlarms": [BLUE_ALARM],
        "GreenAlarms": [GREEN_ALARM],
        "CommonAlarms": [COMMON_ALARM],
        "Release": f"v{update.release}",
        "LogGroup": "/shop/customers",
        "LogStreamPrefix": "customers",
        "Subnets": list(reversed(SUBNETS)),
        "SecurityGroups": list(SECURITY_GROUPS),
        "AssignPublicIp": "DISABLED",
        "PlatformVersion": "LATEST",
        "CapacityProviders": [{"CapacityProvider": "FARGATE", "Base": "1", "Weight": "2"}],
        "HookLogs": {"AfterAllowTestTraffic": "/aws/lambda/smoke"},
    }
    if update.touched:
        found["Touched"] = str(number)
    if update.complete_when:
        found["CompleteWhen"] = update.complete_when
    if script.composite:
        found["CommonComposite"] = COMPOSITE_ALARM
    if update.overridden:
        found["OverriddenAlarms"] = list(update.overridden)
    return found


class World:
    """Everything around the deployment resource, at one virtual time."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.clock = Clock(1_800_000_000.0)
        self.broken = Broken()
        self.update = script.updates[0]
        self.ecs = Ecs(self, task_definition(1))
        self.cloudwatch = CloudWatch(self)
        self.codedeploy = CodeDeploy(self)
        self.stack = Stack(self, properties(Update(release=1), 0, script))
        self.api = CodeDeployApi(self, self.codedeploy)
        answers = {
            "codedeploy": self.api,
            "ecs": self.ecs,
            "cloudwatch": self.cloudwatch,
            "cloudformation": self.stack,
            "elbv2": Elbv2(self),
            "logs": Logs(),
        }
        self.clients = doors.clients(self, answers)
        self.polling: list[Waiter] = []
        self.calls = self.polls = 0
        self.faulted = False
        self._started = self.clock.now

    @property
    def lag(self) -> float:
        return self.update.lag

    def run(self) -> "World":
        """Runs all updates, then lets everything that is under way come to its end."""
        with doors.opened(self):
            for number, update in enumerate(self.script.updates, start=1):
                self._begin(update)
                self.stack.update(properties(update, number, self.script))
                self.clock.sleep(update.pause)
                if self.broken.promises:
                    return self
            self.clock.sleep(4 * 3600)
        return self

    def _begin(self, update: Update) -> None:
        self.update, self.calls, self.polls, self._started = update, 0, 0, self.clock.now
        for when, name, fires in update.alarms:
            self.clock.after(when, partial(self.cloudwatch.turn, name, fires=fires))
        for when, does in update.people:
            self.clock.after(when, partial(self.person, does))

    def stop_cause(self, deployment: Deployment) -> tuple[str, ...]:
        """What the deployment resource must say when it has stopped a deployment: dying tasks, else its deadline."""
        dying = deployment.plan.crashes and deployment.replacement
        return (STOP_REASON,) if dying else (DEADLINE,)

    def person(self, does: str) -> None:
        """Somebody's hand in CodeDeploy's console: stop, stop and leave, start N, start elsewhere N, approve, end bake."""
        active = self.codedeploy.active
        if does.startswith("start"):
            if active is None:
                self._start(int(does.split()[-1]), elsewhere="elsewhere" in does)
        elif active is None:
            pass
        elif does.startswith("stop") and active.stage != "ending":
            self.codedeploy.stop(active, roll_back=does == "stop", cause=())
        elif does == "approve" and active.stage == "ready":
            self.codedeploy.approve(active)
        elif does == "end bake" and active.stage == "baking":
            self.codedeploy.end_bake(active)

    def _start(self, release: int, *, elsewhere: bool) -> None:
        """A deployment from outside, its AppSpec perhaps where the resource cannot read it."""
        location = {"bucket": "shop", "key": "appspec.json", "bundleType": "JSON"}
        made = Deployment(
            id=self.codedeploy.new_id(),
            task_definition=task_definition(release),
            plan=self.update.plan,
            created=self.clock.now,
            alarms=ALARMS,
            rolls_back_on=frozenset({"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}),
            revision={"revisionType": "S3", "s3Location": location},
        )
        if not elsewhere:
            made.revision = self.api.register(task_definition(release))
        self.codedeploy.add(made)

    # Around every AWS call of the Lambda.

    def before(self, service: str, operation: str) -> None:
        """A call begins: time passes, and what the script has for this call befalls it."""
        self.clock.sleep(_CALL_S)
        number = self.calls
        self.calls += 1
        for fault in self.update.faults:
            if fault.nth <= number < fault.nth + fault.length:
                self.faulted = True
                if fault.kind == "throttled":
                    raise aws_error(service, operation, "ThrottlingException", "Rate exceeded")
                if fault.kind == "no_route":
                    raise EndpointConnectionError(endpoint_url=f"https://{service}.eu-west-1.amazonaws.com")
                if fault.kind == "slow":
                    self.clock.sleep(_SLOW_S)
                if fault.kind == "beside" and len(self.polling) == 1:
                    self.polling[-1].beside()
                if fault.kind == "dies":
                    raise LambdaDied
        if self.update.outage:
            start, length = self.update.outage
            if start <= self.clock.now - self._started < start + length:
                self.faulted = True
                raise aws_error(service, operation, "ThrottlingException", "Rate exceeded")

    def after(self, service: str, _operation: str) -> None:
        """A call has taken effect."""
        number = self.calls - 1
        for fault in self.update.faults:
            if fault.nth <= number < fault.nth + fault.length:
                if fault.kind == "lost_answer":
                    raise ReadTimeoutError(endpoint_url=f"https://{service}.eu-west-1.amazonaws.com")
                if fault.kind == "dies_after":
                    raise LambdaDied
