"""Watches a new service's first tasks, beside CloudFormation, which would wait for a service without a steady task for hours."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from seachange_deployments import observe, tasks
from seachange_deployments.errors import TasksFailedError
from seachange_deployments.evidence import gathered
from seachange_deployments.observe import Clients
from seachange_deployments.patience import one_look
from seachange_deployments.request import DEADLINE_S, Request
from seachange_deployments.tasks import DeadTask

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef

logger = logging.getLogger(__name__)

_MOST_REASONS, _MOST_EVENTS = 3, 3
# The watch and the service are made in the same minutes; a service much older than the watch has no first tasks any more.
_OLDER_S = 15 * 60


def watch(request: Request, clients: Clients, *, now: Callable[[], float] | None = None) -> bool:
    """Whether the service's first tasks are steady, or nobody needs them any more; False if that needs another look.

    Knows the service by its name only, and waits until there is one. Raises TasksFailedError if tasks keep dying or are
    not steady at the deadline. `now` is the clock, in seconds since 1970; the system's by default.
    """
    return bool(one_look(request, lambda age: _look(request, clients, overdue=age > DEADLINE_S), now=now))


def _look(request: Request, clients: Clients, *, overdue: bool) -> bool:
    if observe.stack_status(clients, request.stack_id) not in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"):
        return True  # it goes back or is deleted: nobody needs the tasks any more
    name = request.properties["ServiceName"]
    service = _service(request, clients)
    if service is None:
        if overdue:
            raise TasksFailedError(f"There was no service {name} after {DEADLINE_S // 60} min", [])
        return False
    since = service["createdAt"].timestamp() if "createdAt" in service else request.started_at
    if since < request.started_at - _OLDER_S or _steady(service):
        return True
    dead: list[DeadTask] = []

    def died() -> list[str]:
        found = tasks.dead(clients, request.properties["Cluster"], name)
        # An earlier service of the same name may have had dead tasks too.
        dead.extend(task for task in found if task.created >= since)
        return tasks.reasons(dead)[:_MOST_REASONS]

    found = gathered({"The stopped tasks": died})
    desired = service.get("desiredCount", 0)
    dying = len(dead) >= tasks.threshold(desired)
    if not dying and not overdue:
        for line in found:
            logger.info("Service %s: %s", name, line)
        return False
    found += gathered({"The tasks' logs": lambda: tasks.last_log_lines(clients, request.properties, dead)})
    if dying:
        many = tasks.too_many(len(dead), desired)
        raise TasksFailedError(f"The first tasks of service {name} keep dying: {many}", found)
    running = f"{service.get('runningCount', 0)} of {desired} run"
    events = [f"ECS says: {event.get('message', '')}" for event in service.get("events", [])[:_MOST_EVENTS]]
    late = f"The first tasks of service {name} were not steady after {DEADLINE_S // 60} min: {running}"
    raise TasksFailedError(late, [*events, *found])


def _service(request: Request, clients: Clients) -> "ServiceTypeDef | None":
    """The service, or None while it has yet to be made; one that is not active is an earlier one of the same name."""
    found = observe.service(clients, request.properties["Cluster"], request.properties["ServiceName"])
    return found if found and found.get("status") == "ACTIVE" else None


def _steady(service: "ServiceTypeDef") -> bool:
    """Whether all wanted tasks run, and ECS calls their task set steady: then load balancer and health checks are content too."""
    if service.get("desiredCount", 0) == 0:
        return True
    primary = observe.primary(service)
    return (
        service.get("runningCount") == service["desiredCount"]
        and primary is not None
        and primary.get("stabilityStatus") == "STEADY_STATE"
    )
