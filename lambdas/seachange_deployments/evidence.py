"""Why a deployment did not succeed: all that AWS can still say about it."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from seachange_deployments import observe
from seachange_deployments.observe import Clients, Deployment


def evidence(clients: Clients, properties: Mapping[str, Any], deployment: Deployment) -> list[str]:
    """One line per finding, the weightiest first; what cannot be read is said too, and never hides the rest."""
    sources: dict[str, Callable[[], list[str]]] = {
        "The lifecycle events": lambda: _failed_events(clients, deployment),
        "The alarms": lambda: [f"Now {line}" for line in observe.firing(clients, deployment.alarms)],
        "The stopped tasks": lambda: [f"Task stopped: {reason}" for reason in _stop_reasons(clients, properties)[:3]],
        "The rollback": lambda: _rollback(clients, deployment),
    }
    lines: list[str] = []
    for name, read in sources.items():
        try:
            lines += read()
        except (ClientError, BotoCoreError) as error:
            lines.append(f"{name} could not be read: {error}")
    return lines


def _failed_events(clients: Clients, deployment: Deployment) -> list[str]:
    events = observe.lifecycle(clients, deployment.id)
    return [f"{event.name} failed: {event.problem or 'no message'}" for event in events if event.status == "Failed"]


def _rollback(clients: Clients, deployment: Deployment) -> list[str]:
    if not deployment.rolled_back_by:
        return []
    status = observe.deployment(clients, deployment.rolled_back_by).status
    return [f"Rolled back by deployment {deployment.rolled_back_by} ({status})"]


def _stop_reasons(clients: Clients, properties: Mapping[str, Any]) -> list[str]:
    """Why tasks of the wanted task definition stopped, each reason once; ECS forgets them after about an hour."""
    cluster, service = properties["Cluster"], properties["Service"].rsplit("/", 1)[-1]
    arns = clients.ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="STOPPED")["taskArns"]
    if not arns:
        return []
    reasons: dict[str, None] = {}
    for task in clients.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]:
        if task.get("taskDefinitionArn") != properties["TaskDefinition"]:
            continue
        parts = [task.get("stoppedReason", "no reason given")]
        for container in task.get("containers", []):
            code, reason = container.get("exitCode"), container.get("reason")
            if code or reason:
                parts.append(f"container {container.get('name')}: {reason or 'no reason'}, exit code {code}")
        reasons["; ".join(parts)] = None
    return list(reasons)
