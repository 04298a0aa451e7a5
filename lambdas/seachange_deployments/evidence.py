"""Why a deployment did not succeed: all that AWS can still say about it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import alarms, failing, observe, tasks
from seachange_deployments.errors import is_passing
from seachange_deployments.hook_evidence import hook_lines
from seachange_deployments.observe import Clients, Deployment, LifecycleEvent
from seachange_deployments.tasks import DeadTask

_MOST_REASONS = 3


def evidence(
    clients: Clients,
    properties: Mapping[str, Any],
    deployment: Deployment,
    *,
    dead: Sequence[DeadTask] | None = None,
    patient: bool = False,
) -> list[str]:
    """One line per finding, the weightiest first; what cannot be read is said too, and never hides the rest.

    `dead` are the deployment's dead tasks if they were read already; by default they are read now.
    If `patient`, an error that passes by itself is raised instead of being said; by default it is not.
    """
    failed: list[LifecycleEvent] = []
    dead_tasks = list(dead or [])

    def events() -> list[str]:
        failed.extend(event for event in observe.lifecycle(clients, deployment.id) if event.status == "Failed")
        return [f"{event.name} failed: {event.problem or 'no message'}" for event in failed]

    def hooks() -> list[str]:
        logs = properties.get("HookLogs") or {}
        found = {event.name: logs[event.name] for event in failed if event.name in logs}
        return hook_lines(clients.logs, found, deployment.id, since=deployment.created) if found else []

    def died() -> list[str]:
        if dead is None:
            dead_tasks.extend(failing.dead_tasks(clients, properties, deployment).dead)
        return tasks.reasons(dead_tasks)[:_MOST_REASONS]

    return gathered(
        {
            "The lifecycle events": events,
            "The hooks' logs": hooks,
            "The alarms": lambda: _firing(clients, properties, deployment),
            "The stopped tasks": died,
            "The rollback": lambda: _rollback(clients, deployment),
            "The tasks' logs": lambda: tasks.last_log_lines(clients, properties, dead_tasks),
        },
        patient=patient,
    )


def gathered(sources: Mapping[str, Callable[[], list[str]]], *, patient: bool = False) -> list[str]:
    """What the sources say, in their order; of a source that cannot be read, that, unless `patient` and it may be read later."""
    lines: list[str] = []
    for name, read in sources.items():
        try:
            lines += read()
        except (ClientError, BotoCoreError) as error:
            if patient and is_passing(error):
                raise
            lines.append(f"{name} could not be read: {error}")
    return lines


def _firing(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> list[str]:
    by_alarm = "ALARM_ACTIVE" in (deployment.error or "")
    # A deployment from elsewhere is watched by its group's alarms: ours, in both directions.
    ours = [name for key in ("BlueAlarms", "GreenAlarms", "CommonAlarms") for name in properties.get(key) or []]
    names = alarms.individuals(properties, deployment.alarms or (ours if by_alarm else []))
    firing = observe.firing(clients, names)
    if by_alarm and not firing:
        return [f"By now none of the alarms that watched it fires ({', '.join(names)})"]
    return [f"Now {reason}" for reason in firing.values()]


def _rollback(clients: Clients, deployment: Deployment) -> list[str]:
    if not deployment.rolled_back_by:
        return []
    back = observe.deployment(clients, deployment.rolled_back_by)
    if back.status in ("Failed", "Stopped"):
        why = f": {back.error}" if back.error else ""
        return [
            f"Its rollback {back.name} {back.status.lower()} too{why}. Look at the listener's target groups and at the task sets"
        ]
    return [f"Rolled back by deployment {back.id} ({back.status})"]
