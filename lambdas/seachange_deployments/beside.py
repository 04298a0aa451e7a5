"""The next step beside an active deployment: of the wanted release, which is watched, or of another, which must make way."""

import logging
from typing import TYPE_CHECKING

from seachange_deployments import alarms, deploy, failing, guards, tasks
from seachange_deployments.errors import AnotherDeploymentError, DeadlinePassedError, TasksKeepDyingError
from seachange_deployments.evidence import evidence
from seachange_deployments.observe import Clients, Deployment
from seachange_deployments.request import DEADLINE_S, Request

if TYPE_CHECKING:
    from mypy_boto3_codedeploy.type_defs import DeploymentGroupInfoTypeDef

logger = logging.getLogger(__name__)

_LATE = f"after {DEADLINE_S // 60} min"


def watch(request: Request, clients: Clients, active: Deployment, *, shifted: bool, overdue: bool) -> bool:
    """Whether the wanted release's deployment is as far as it shall be; stops one that will not get there."""
    if request.complete_when == "started":
        return True
    if shifted:
        if request.complete_when == "ended" and overdue:
            logger.warning(
                "Deployment %s has shifted traffic and still bakes %s; the bake goes on.", active.name, _LATE
            )
        return request.complete_when == "shifted" or overdue
    if overdue and active.created > request.started_at and request.names_another(active):
        # This event came late, during a newer update: that one watches its deployment itself.
        raise DeadlinePassedError(active.id, f"Deployment {active.name} belongs to a newer update, and goes on", [])
    # CodeDeploy's way back to this very release is never stopped.
    dying = None if active.rolls_back else failing.keep_dying(clients, request.properties, active)
    if not dying and not overdue:
        return False
    # Stopped before the evidence is gathered, which may take a while. If it has ended meanwhile, the next look says how.
    if not active.rolls_back and not deploy.roll_back(clients, active):
        return False
    stopped = "" if active.rolls_back else " and was stopped with rollback"
    found = evidence(clients, request.properties, active, dead=dying.dead if dying else None)
    if dying:
        many, late = tasks.too_many(len(dying.dead), dying.desired), f" {_LATE}" if overdue else ""
        problem = f"The tasks of deployment {active.name} keep dying: {many}. It was stopped with rollback{late}"
        raise TasksKeepDyingError(active.id, problem, found)
    if active.status == "Ready":
        raise DeadlinePassedError(active.id, f"Deployment {active.name} was never approved {_LATE}{stopped}", found)
    raise DeadlinePassedError(active.id, f"Deployment {active.name} had not shifted traffic {_LATE}{stopped}", found)


def make_way(
    request: Request,
    clients: Clients,
    active: Deployment,
    group: "DeploymentGroupInfoTypeDef",
    *,
    shifted: bool,
    overdue: bool,
) -> bool:
    """Ends another release's healthy bake, and waits for CodeDeploy's own rollback; refuses what is neither.

    True if the wanted release serves already, though the active deployment's AppSpec says less than the template.
    """
    if not shifted and not (active.rolls_back and not overdue):
        raise AnotherDeploymentError(*_unfinished(active))
    if not shifted:
        logger.warning("Waiting for CodeDeploy's rollback %s, then for %s.", active.name, request.name)
        return False
    serving = guards.serving(clients, request.properties)
    if active.release.name == request.release.name and request.release.is_same_as(serving.release):
        return request.complete_when != "ended" or overdue
    if overdue:
        raise DeadlinePassedError(active.id, f"The bake of deployment {active.name} had not ended {_LATE}", [])
    if not active.rolls_back:  # the failed release's alarms do not watch the one that came back
        group_alarms = [alarm["name"] for alarm in group.get("alarmConfiguration", {}).get("alarms", [])]
        watching = deploy.alarms_for(request.properties, serving.target_group)
        overridden = set(request.properties.get("OverriddenAlarms") or [])
        names = {*(active.alarms or group_alarms), *(name for name in watching if name not in overridden)}
        alarms.are_silent(clients, names, f"Ending the bake of deployment {active.name}")
    logger.warning("Ending the bake of deployment %s to make way for %s.", active.name, request.name)
    deploy.end_bake(clients, active)
    return False


def _unfinished(active: Deployment) -> tuple[str, str, str]:
    stop = f"stop it (aws deploy stop-deployment --deployment-id {active.id} --auto-rollback-enabled)"
    if active.status == "Ready":
        approve = f"aws deploy continue-deployment --deployment-id {active.id} --deployment-wait-type READY_WAIT"
        problem = f"Deployment {active.name} waits for approval ({active.status})."
        return problem, active.id, f"Approve it ({approve}) or {stop}, then deploy again."
    problem = f"Deployment {active.name} is still shifting traffic ({active.status})."
    return problem, active.id, f"Wait until it has ended or {stop}, then deploy again."
