"""Brings a service to the release that the template wants, one small step at a time.

`reconcile` looks at the world and takes at most one step. It keeps nothing between two calls but the time at which
CloudFormation asked, so an event that comes twice, a throttled call or a crash in the middle changes nothing: the next
call sees what is.
"""

import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from seachange_deployments import alarms, beside, deploy, guards, observe, stack_rollback
from seachange_deployments.errors import AnotherDeploymentError, DeadlinePassedError, DeploymentFailedError
from seachange_deployments.evidence import evidence
from seachange_deployments.observe import Clients, Deployment
from seachange_deployments.patience import one_look
from seachange_deployments.request import DEADLINE_S, Request

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import DeploymentGroupInfoTypeDef

__all__ = ["DEADLINE_S", "Request", "reconcile"]

logger = logging.getLogger(__name__)

# How far ECS's answer may lag behind CodeDeploy's.
_SETTLES_S = 60


def reconcile(request: Request, clients: Clients, *, now: Callable[[], float] | None = None) -> dict[str, str] | None:
    """Takes the next step towards the wanted release.

    Returns the resource's attributes once the release is where `CompleteWhen` says, None if that needs another look later.
    In a stack rollback it starts nothing and never fails. Raises RefusedError before a start, DeploymentFailedError after.
    `now` is the clock, in seconds since 1970; the system's by default.
    """
    return one_look(request, lambda age: _step(request, clients, age=age), now=now)


def _step(request: Request, clients: Clients, *, age: float) -> dict[str, str] | None:
    overdue = age > DEADLINE_S
    if stack_rollback.under_way(request, clients, overdue=overdue):
        return _attributes("") if stack_rollback.stand_down(request, clients, overdue=overdue) else None
    group = observe.group(clients, request.properties)
    last = observe.last_deployment(clients, group)
    if last:
        _fail_if_over(request, clients, last, overdue=overdue)
        if last.active:
            return _beside(request, clients, last, group, overdue=overdue)
    serving = guards.serving(clients, request.properties)
    differences = request.release.differences(serving.release)
    if not differences:
        return _attributes(last.id if last and request.release.is_same_as(last.release) else "")
    if last and last.status == "Succeeded" and request.owns(last):
        return _attributes(last.id)  # ECS's answer lags behind CodeDeploy's
    if overdue:
        problem = f"{request.name} was not started: the group was busy for {DEADLINE_S // 60} min"
        raise DeadlinePassedError(None, problem, [])
    if last and request.started_at + age - last.ended < _SETTLES_S:
        return None  # ECS may still show what served before it, and what came with it may be what is wanted
    logger.info("%s serves; %s is wanted, other in its %s.", serving.release.name, request.name, ", ".join(differences))
    watching = alarms.watching(clients, request.properties, serving.target_group, request.name)
    guards.no_traffic_is_left(clients, request.properties, serving, request.name)
    try:
        deployment_id = deploy.start(
            clients, request.properties, name=request.name, request_id=request.id, alarms=watching, group=group
        )
    except clients.codedeploy.exceptions.DeploymentLimitExceededException as error:
        active = re.search(r"\bd-[A-Z0-9]+\b", str(error))  # the id stands only in the message
        if not active:
            raise AnotherDeploymentError(f"CodeDeploy refuses a further deployment: {error}.") from error
        found = observe.deployment(clients, active.group())
        return _beside(request, clients, found, group, overdue=overdue) if found.active else None
    return _attributes(deployment_id) if request.complete_when == "started" else None


def _fail_if_over(request: Request, clients: Clients, last: Deployment, *, overdue: bool) -> None:
    """Fails if this request's deployment has ended without its release."""
    # After a rollback the deployment tried last is the rollback itself.
    attempt = observe.deployment(clients, last.rolls_back) if last.rolls_back else last
    if attempt.status in ("Failed", "Stopped") and request.owns(attempt):
        reason = attempt.error or "CodeDeploy gives no reason"
        minutes = round((attempt.ended - attempt.created) / 60)
        late = f", past the deadline of {DEADLINE_S // 60} min" if overdue else ""
        problem = f"Deployment {attempt.name} {attempt.status.lower()} after {minutes} min{late}: {reason}"
        # Nothing presses any more: what AWS does not say at once, the next look finds out.
        found = evidence(clients, request.properties, attempt, patient=not overdue)
        raise DeploymentFailedError(attempt.id, problem, found)


def _beside(
    request: Request, clients: Clients, active: Deployment, group: "DeploymentGroupInfoTypeDef", *, overdue: bool
) -> dict[str, str] | None:
    """The next step while a deployment is active: watch the wanted one, or make way for it."""
    shifted = observe.traffic_has_shifted(observe.lifecycle(clients, active.id))
    if request.release.is_same_as(active.release):
        arrived = beside.watch(request, clients, active, shifted=shifted, overdue=overdue)
        return _attributes(active.id) if arrived else None
    served = beside.make_way(request, clients, active, group, shifted=shifted, overdue=overdue)
    return _attributes(active.id) if served else None


def _attributes(deployment_id: str) -> dict[str, str]:
    return {"DeploymentId": deployment_id}
