"""What the resource does while CloudFormation undoes an update: leave no deployment active, start none, and never fail."""

import logging

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import deploy, observe
from seachange_deployments import release as releases
from seachange_deployments.errors import RefusedError, is_passing
from seachange_deployments.observe import Clients
from seachange_deployments.request import Request

logger = logging.getLogger(__name__)


def under_way(request: Request, clients: Clients, *, overdue: bool) -> bool:
    """Whether the stack goes back; raises RefusedError if CloudFormation does neither, and so waits for nobody.

    If that cannot be read, a wanted task definition that is older than the replaced one tells: a rollback must not fail.
    """
    try:
        status = observe.stack_status(clients, request.stack_id)
    except (ClientError, BotoCoreError) as error:
        if not request.goes_back() or (is_passing(error) and not overdue):
            raise
        logger.exception("The stack's status cannot be read; an earlier revision is wanted, so it is rolling back.")
        return True
    if status not in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"):
        # An event may come twice, the second time late: acting on it now would undo what came after it.
        raise RefusedError(
            f"Nothing is done for {request.name}: the stack is {status}, so this update of it is over. Deploy again."
        )
    return status == "UPDATE_ROLLBACK_IN_PROGRESS"


def stand_down(request: Request, clients: Clients, *, overdue: bool) -> bool:
    """Stops what is active, and says what serves; False if that needs another look."""
    try:
        if not _quiet(request, clients) and not overdue:
            return False
        primary = observe.primary(
            observe.service(clients, request.properties["Cluster"], request.properties["Service"])
        )
    except (ClientError, BotoCoreError) as error:
        if is_passing(error) and not overdue:
            return False
        logger.exception("Stack rollback: gave up looking after the deployment group.")
        return True
    if primary is None:
        logger.warning("Stack rollback: the template wants %s, nothing serves.", request.name)
        return True
    serving = releases.of_task_set(primary)
    if differences := request.release.differences(serving):
        what = "" if "task definition" in differences else f" with another {', '.join(differences)}"
        logger.warning("Stack rollback: the template wants %s, %s%s serves.", request.name, serving.name, what)
    else:
        logger.warning("Stack rollback: %s serves, as wanted.", serving.name)
    return True


def _quiet(request: Request, clients: Clients) -> bool:
    """Whether no deployment moves traffic any more; stops one that does."""
    last = observe.last_deployment(clients, observe.group(clients, request.properties))
    if last is None or not last.active:
        return True
    wanted = request.release.is_same_as(last.release)
    if wanted and request.complete_when == "started" and not last.rolls_back:
        logger.warning("Stack rollback: deployment %s was accepted before this update, and goes on.", last.name)
        return True
    if (last.rolls_back or wanted) and observe.traffic_has_shifted(observe.lifecycle(clients, last.id)):
        return True  # it serves already and only bakes, perhaps for longer than the deadline
    if last.rolls_back:
        logger.warning("Stack rollback: waiting for CodeDeploy's own rollback %s.", last.name)
        return False
    logger.warning("Stack rollback: stopping deployment %s with rollback.", last.name)
    deploy.roll_back(clients, last)
    return False
