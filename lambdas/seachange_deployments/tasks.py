"""Tasks that died: which, why, and what they logged last."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seachange_deployments.observe import Clients

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef

# ECS's codes for a task that ended without anybody's order. One that ECS's scheduler stopped counts only for failed health
# checks: else it was scaled in, drained or replaced.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
_BY_ITSELF = frozenset({"TaskFailedToStart", "EssentialContainerExited"})
_LOG_LINES, _LOGGING_TASKS = 5, 2
_LONGEST_LOG_LINE = 240


@dataclass(frozen=True, kw_only=True)
class DeadTask:
    """A task that stopped by itself or failed its health checks; times in seconds since 1970, 0 if unknown."""

    id: str
    task_definition: str
    started_by: str
    created: float
    stopped: float
    reason: str


def threshold(desired: int) -> int:
    """How many dead tasks are too many: what ECS's own deployment circuit breaker takes by default.

    Half of the desired count, rounded up, at least 3 and at most 200
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html).
    """
    return min(200, max(3, math.ceil(desired / 2)))


def too_many(died: int, desired: int) -> str:
    """That so many dead tasks are too many, in words."""
    return f"{died} have died ({threshold(desired)} are too many for a desired count of {desired})"


def dead(clients: Clients, cluster: str, service: str) -> list[DeadTask]:
    """The service's dead tasks of about the last hour (ECS forgets older ones), newest first."""
    found = [_dead_task(task) for task in _stopped(clients, cluster, service) if _died(task)]
    return sorted(found, key=lambda task: task.stopped, reverse=True)


def reasons(tasks: Iterable[DeadTask]) -> list[str]:
    """Why they died, each reason once with its number of tasks, the newest first."""
    counted = Counter(task.reason for task in tasks)
    return [f"{number} task{'s' * (number > 1)} died: {reason}" for reason, number in counted.items()]


def last_log_lines(clients: Clients, properties: Mapping[str, Any], tasks: Iterable[DeadTask]) -> list[str]:
    """What the newest of these tasks logged last, a text for each task; a task may have died before its first line."""
    group, prefix = properties.get("LogGroup"), properties.get("LogStreamPrefix")
    if not group or not prefix:
        return []
    said: list[str] = []
    for task in list(tasks)[:_LOGGING_TASKS]:
        stream = f"{prefix}/{properties['ContainerName']}/{task.id}"
        try:
            answer = clients.logs.get_log_events(
                logGroupName=group, logStreamName=stream, limit=_LOG_LINES, startFromHead=False
            )
        except clients.logs.exceptions.ResourceNotFoundException:
            continue
        lines = [" ".join(event.get("message", "").split())[:_LONGEST_LOG_LINE] for event in answer["events"]]
        if lines:
            said.append(f"Task {task.id} logged last: {' | '.join(lines)}")
    return said


def _stopped(clients: Clients, cluster: str, service: str) -> "Iterator[TaskTypeDef]":
    token = ""
    while True:
        page: Any = {"nextToken": token} if token else {}
        answer = clients.ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="STOPPED", **page)
        if arns := answer["taskArns"]:
            yield from clients.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
        token = answer.get("nextToken", "")
        if not token:
            return


def _died(task: "TaskTypeDef") -> bool:
    reason = task.get("stoppedReason", "").lower()
    if code := task.get("stopCode"):
        return code in _BY_ITSELF or (code == "ServiceSchedulerInitiated" and "health checks" in reason)
    return "essential container" in reason or "health checks" in reason


def _dead_task(task: "TaskTypeDef") -> DeadTask:
    created, stopped = task.get("createdAt"), task.get("stoppedAt")
    parts = [task.get("stoppedReason") or task.get("stopCode") or "no reason given"]
    for container in task.get("containers", []):
        code, why = container.get("exitCode"), container.get("reason")
        if code or why:
            said = [text for text in (why, None if code is None else f"exit code {code}") if text]
            parts.append(f"container {container.get('name')}: {', '.join(said)}")
    return DeadTask(
        id=task.get("taskArn", "").rsplit("/", 1)[-1],
        task_definition=task.get("taskDefinitionArn", ""),
        started_by=task.get("startedBy", ""),
        created=created.timestamp() if created else 0.0,
        stopped=stopped.timestamp() if stopped else 0.0,
        reason="; ".join(parts),
    )
