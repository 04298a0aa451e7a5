"""Brings a service to the task definition that the template wants, one small step at a time.

`reconcile` looks at the world and takes at most one step. It keeps nothing between two calls but the time at which
CloudFormation asked, so an event that comes twice, a throttled call or a crash in the middle changes nothing: the next
call sees what is.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import deploy, guards, observe
from seachange_deployments.errors import (
    AnotherDeploymentError,
    DeadlinePassedError,
    DeploymentFailedError,
    is_passing,
)
from seachange_deployments.evidence import evidence
from seachange_deployments.observe import Clients, Deployment, short

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import DeploymentGroupInfoTypeDef

logger = logging.getLogger(__name__)

# Below the 50 minutes that the Provider framework polls and the hour that CloudFormation waits: a deployment that
# outlives its resource would meet the stack's rollback.
DEADLINE_S = 45 * 60


@dataclass(frozen=True, kw_only=True)
class Request:
    """One Update that CloudFormation asked for; `started_at` in seconds since 1970."""

    id: str
    stack_id: str
    properties: Mapping[str, Any]
    started_at: float

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request in an event of the Provider framework, refused if a property is missing."""
        guards.complete(event["ResourceProperties"])
        return cls(
            id=event["RequestId"],
            stack_id=event["StackId"],
            properties=event["ResourceProperties"],
            started_at=float(event["StartedAt"]),
        )

    @property
    def wanted(self) -> str:
        """The ARN of the task definition that shall serve."""
        return str(self.properties["TaskDefinition"])

    def owns(self, deployment: Deployment) -> bool:
        """Whether the outcome of a deployment is this request's: it started it, or it watched its end."""
        return deployment.task_definition == self.wanted and (
            self.id in deployment.description or deployment.ended >= self.started_at
        )


def reconcile(request: Request, clients: Clients, *, now: Callable[[], float] = time.time) -> dict[str, str] | None:
    """Takes the next step towards the wanted task definition.

    Returns the resource's attributes once all production traffic goes there, None if that needs another look later. In
    a stack rollback it starts nothing and never fails. Raises RefusedError before a start, DeploymentFailedError after.
    """
    overdue = now() - request.started_at > DEADLINE_S
    if observe.stack_is_rolling_back(clients, request.stack_id):
        return _stand_down(request, clients, overdue=overdue)
    group = observe.group(clients, request.properties)
    last = observe.last_deployment(clients, group)
    if last:
        # After a rollback the deployment tried last is the rollback itself.
        attempt = observe.deployment(clients, last.rolls_back) if last.rolls_back else last
        if attempt.status in ("Failed", "Stopped") and request.owns(attempt):
            reason = attempt.error or "CodeDeploy gives no reason"
            problem = f"Deployment {attempt.name} {attempt.status.lower()}: {reason}"
            raise DeploymentFailedError(attempt.id, problem, evidence(clients, request.properties, attempt))
        if last.active:
            return _beside(request, clients, last, group, overdue=overdue)
    serving = guards.serving(clients, request.properties)
    if serving.task_definition == request.wanted:
        return _attributes(last.id if last and last.task_definition == request.wanted else "")
    if last and last.status == "Succeeded" and request.owns(last):
        return _attributes(last.id)  # ECS's answer lags behind CodeDeploy's
    if overdue:
        problem = f"{short(request.wanted)} was not started: the group was busy for {DEADLINE_S // 60} min"
        raise DeadlinePassedError(None, problem, [])
    alarms = deploy.alarms_for(request.properties, serving.target_group)
    guards.alarms_are_silent(clients, alarms, f"Starting {short(request.wanted)}")
    try:
        deploy.start(clients, request.properties, request_id=request.id, alarms=alarms, group=group)
    except clients.codedeploy.exceptions.DeploymentLimitExceededException as error:
        active = re.search(r"\bd-[A-Z0-9]+\b", str(error))  # the id stands only in the message
        if not active:
            raise AnotherDeploymentError(f"CodeDeploy refuses a further deployment: {error}.") from error
        return _beside(request, clients, observe.deployment(clients, active.group()), group, overdue=overdue)
    return None


def _beside(
    request: Request, clients: Clients, active: Deployment, group: "DeploymentGroupInfoTypeDef", *, overdue: bool
) -> dict[str, str] | None:
    """The next step while a deployment is active: watch it, end its bake, or refuse."""
    shifted = observe.traffic_has_shifted(observe.lifecycle(clients, active.id))
    late = f"after {DEADLINE_S // 60} min"
    if active.task_definition == request.wanted:
        if shifted:
            return _attributes(active.id)
        if not overdue:
            return None
        found = evidence(clients, request.properties, active)
        deploy.roll_back(clients, active)
        problem = f"Deployment {active.name} had not shifted traffic {late} and was stopped with rollback"
        raise DeadlinePassedError(active.id, problem, found)
    if not shifted:
        raise AnotherDeploymentError(
            f"Deployment {active.name} is still shifting traffic ({active.status}).", active.id
        )
    if overdue:
        raise DeadlinePassedError(active.id, f"The bake of deployment {active.name} had not ended {late}", [])
    serving = guards.serving(clients, request.properties)
    group_alarms = [alarm["name"] for alarm in group.get("alarmConfiguration", {}).get("alarms", [])]
    alarms = {*(active.alarms or group_alarms), *deploy.alarms_for(request.properties, serving.target_group)}
    guards.alarms_are_silent(clients, alarms, f"Ending the bake of deployment {active.name}")
    logger.warning("Ending the bake of deployment %s to make way for %s.", active.name, short(request.wanted))
    deploy.end_bake(clients, active)
    return None


def _stand_down(request: Request, clients: Clients, *, overdue: bool) -> dict[str, str] | None:
    """In a stack rollback: no deployment is left active, none is started, and the stack never sticks."""
    try:
        if not _stopped(request, clients) and not overdue:
            return None
        service = observe.service(clients, request.properties)
    except (ClientError, BotoCoreError) as error:
        if is_passing(error) and not overdue:
            return None
        logger.exception("Stack rollback: gave up looking after the deployment group.")
        return _attributes("")
    task_sets = service.get("taskSets", []) if service else []
    primary = next((one.get("taskDefinition") for one in task_sets if one.get("status") == "PRIMARY"), None)
    if primary == request.wanted:
        logger.warning("Stack rollback: %s serves, as wanted.", short(primary))
    else:
        serves = short(primary) if primary else "nothing"
        logger.warning("Stack rollback: the template wants %s, %s serves.", short(request.wanted), serves)
    return _attributes("")


def _stopped(request: Request, clients: Clients) -> bool:
    """Whether no deployment moves traffic any more; stops one that does."""
    last = observe.last_deployment(clients, observe.group(clients, request.properties))
    if last is None or not last.active:
        return True
    welcome = last.rolls_back or last.task_definition == request.wanted
    if welcome and observe.traffic_has_shifted(observe.lifecycle(clients, last.id)):
        return True  # it serves already and only bakes, perhaps for longer than the deadline
    if last.rolls_back:
        logger.warning("Stack rollback: waiting for CodeDeploy's own rollback %s.", last.name)
        return False
    logger.warning("Stack rollback: stopping deployment %s with rollback.", last.name)
    deploy.roll_back(clients, last)
    return False


def _attributes(deployment_id: str) -> dict[str, str]:
    return {"DeploymentId": deployment_id}
