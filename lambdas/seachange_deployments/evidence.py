"""Why a deployment did not succeed: all that AWS can still say about it."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import alarms, failing, observe, tasks
from seachange_deployments.hook_evidence import hook_lines
from seachange_deployments.observe import Clients, Deployment, LifecycleEvent
from seachange_deployments.tasks import DeadTask

_MOST_REASONS = 3


def evidence(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> list[str]:
    """One line per finding, the weightiest first; what cannot be read is said too, and never hides the rest."""
    failed: list[LifecycleEvent] = []
    dead: list[DeadTask] = []

    def events() -> list[str]:
        failed.extend(event for event in observe.lifecycle(clients, deployment.id) if event.status == "Failed")
        return [f"{event.name} failed: {event.problem or 'no message'}" for event in failed]

    def hooks() -> list[str]:
        logs = properties.get("HookLogs") or {}
        found = {event.name: logs[event.name] for event in failed if event.name in logs}
        return hook_lines(clients.logs, found, deployment.id, since=deployment.created) if found else []

    def died() -> list[str]:
        dead.extend(failing.dead_tasks(clients, properties, deployment).dead)
        return tasks.reasons(dead)[:_MOST_REASONS]

    return gathered(
        {
            "The lifecycle events": events,
            "The hooks' logs": hooks,
            "The alarms": lambda: _firing(clients, properties, deployment),
            "The stopped tasks": died,
            "The rollback": lambda: _rollback(clients, deployment),
            "The tasks' logs": lambda: tasks.last_log_lines(clients, properties, dead),
        }
    )


def gathered(sources: Mapping[str, Callable[[], list[str]]]) -> list[str]:
    """What the sources say, in their order; of a source that cannot be read, that."""
    lines: list[str] = []
    for name, read in sources.items():
        try:
            lines += read()
        except (ClientError, BotoCoreError) as error:
            lines.append(f"{name} could not be read: {error}")
    return lines


def _firing(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> list[str]:
    names = alarms.individuals(properties, deployment.alarms)
    return [f"Now {reason}" for reason in observe.firing(clients, names).values()]


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
