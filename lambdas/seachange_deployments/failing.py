"""Whether a deployment's tasks keep dying: then waiting for the hour in which Install may hang helps nobody."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import observe, tasks
from seachange_deployments.observe import Clients, Deployment
from seachange_deployments.release import short
from seachange_deployments.tasks import DeadTask

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Dying:
    """A deployment's dead tasks, newest first; how many tasks are wanted, and whether ECS calls them steady now."""

    dead: tuple[DeadTask, ...]
    desired: int
    steady: bool


def dead_tasks(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> Dying:
    """The dead tasks that a deployment started.

    A task tells with `startedBy` which task set it belongs to, and a task set with `externalId` which deployment made it.
    Once the task set is gone, its tasks are those of the wanted task definition since the deployment began.
    """
    service = observe.service(clients, properties["Cluster"], properties["Service"])
    task_sets = {one["id"]: one for one in (service or {}).get("taskSets", []) if "id" in one}
    own = {id_ for id_, one in task_sets.items() if one.get("externalId") == deployment.id}
    name = properties["Service"].rsplit("/", 1)[-1]
    wanted = short(properties["TaskDefinition"])

    def belongs(task: DeadTask) -> bool:
        if short(task.task_definition) != wanted:
            return False
        return task.started_by in own if task.started_by in task_sets else task.created >= deployment.created

    green = next((task_sets[id_] for id_ in own), None)
    desired = green.get("computedDesiredCount") if green else None
    return Dying(
        dead=tuple(task for task in tasks.dead(clients, properties["Cluster"], name) if belongs(task)),
        desired=desired or (service or {}).get("desiredCount", 0),
        steady=bool(green and green.get("stabilityStatus") == "STEADY_STATE"),
    )


def keep_dying(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> Dying | None:
    """The deployment's dead tasks if they are too many, None while they are not.

    As with ECS's circuit breaker, tasks that are steady again count no more. What cannot be read does not fail a deployment.
    """
    try:
        dying = dead_tasks(clients, properties, deployment)
    except (ClientError, BotoCoreError) as error:
        logger.warning("Whether tasks of deployment %s keep dying could not be read: %s", deployment.name, error)
        return None
    return None if dying.steady or len(dying.dead) < tasks.threshold(dying.desired) else dying
