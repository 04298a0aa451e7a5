"""Green tasks that keep dying end a deployment early; tasks that end for other reasons do not."""

from typing import Any

import pytest

from seachange_deployments.errors import TasksKeepDyingError
from seachange_deployments.tasks import threshold
from tests.deployments.said import NEW, NOW, OLD, dead_task, lifecycle
from tests.deployments.world import World, step

LOGS = {"LogGroup": "/shop", "LogStreamPrefix": "customers"}
STEADY = {"set": {"stabilityStatus": "STEADY_STATE"}}


def three(**task: Any) -> list[dict[str, Any]]:
    return [dead_task(number, **task) for number in (1, 2, 3)]


def looks(world: World, *tasks: dict[str, Any], **service: Any) -> dict[str, str] | None:
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), *tasks, **service)
    return step(world)


@pytest.mark.parametrize(("desired", "tasks"), [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (400, 200), (800, 200)])
def test_the_threshold_is_that_of_ecss_circuit_breaker(desired: int, tasks: int) -> None:
    assert threshold(desired) == tasks


def test_a_crash_loop_is_stopped_with_rollback_and_its_cause_is_said(world: World) -> None:
    tasks = three()
    assert looks(world, *tasks[:2]) is None
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), *tasks).stops("d-NEW1")
    world.targets("d-NEW1", lifecycle("Install"))
    world.logged(tasks[2], "no DSN").logged(tasks[1], "no DSN either")
    with pytest.raises(TasksKeepDyingError) as failure:
        step(world, properties=LOGS)
    assert str(failure.value) == (
        "The tasks of deployment d-NEW1 of shop:12 keep dying: 3 have died (3 are too many for a desired count of 4). It was "
        "stopped with rollback. 3 tasks died: Essential container in task exited; container app: "
        "OutOfMemoryError: Container killed, exit code 137. "
        f"Task {'0' * 31}3 logged last: no DSN. Task {'0' * 31}2 logged last: no DSN either."
    )


@pytest.mark.parametrize(
    "task",
    [
        {"code": "TaskFailedToStart", "stoppedReason": "CannotPullContainerError: no such image"},
        {"code": "ServiceSchedulerInitiated", "stoppedReason": "Task failed ELB health checks in (target-group green)"},
        {"code": "ServiceSchedulerInitiated", "stoppedReason": "Task failed container health checks"},
        {"startedBy": "ecs-svc/2", "created": NOW - 99_999},
    ],
)
def test_tasks_that_died(world: World, task: dict[str, Any]) -> None:
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), *three(**task)).stops("d-NEW1")
    world.targets("d-NEW1", lifecycle("Install"))
    with pytest.raises(TasksKeepDyingError):
        step(world)


@pytest.mark.parametrize(
    "task",
    [
        {"code": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated by (taskSet ecs-svc/2)"},
        {"code": "UserInitiated", "stoppedReason": "Task stopped by user"},
        {"code": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."},
        {"code": "InfrastructureHealth", "stoppedReason": "The host failed its health checks"},
        {"task_definition": OLD},
        {"created": NOW - 601},  # before the deployment began
        {"startedBy": "ecs-svc/1"},  # blue's, for example scaled out when only the network changes
    ],
)
def test_tasks_that_do_not_count(world: World, task: dict[str, Any]) -> None:
    assert looks(world, *three(**task)) is None


def test_tasks_that_are_steady_again_do_not_count(world: World) -> None:
    assert looks(world, *three(), **STEADY) is None


def test_a_larger_service_stands_more(world: World) -> None:
    assert looks(world, *three(), set={"computedDesiredCount": 7}) is None


def test_more_than_a_hundred_stopped_tasks_are_read(world: World) -> None:
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install")).service(OLD)
    request = {"cluster": "shop", "serviceName": "customers", "desiredStatus": "STOPPED"}
    for page, task in enumerate([dead_task(1), dead_task(2)]):
        answer = {"taskArns": [task["taskArn"]], **({"nextToken": "more"} if page == 0 else {})}
        world.answers("ecs", "list_tasks", request | ({"nextToken": "more"} if page else {}), answer)
        world.answers("ecs", "describe_tasks", {"cluster": "shop", "tasks": answer["taskArns"]}, {"tasks": [task]})
    assert step(world) is None


def test_what_cannot_be_read_does_not_fail_the_deployment(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install")).service(OLD)
    world.fails("ecs", "list_tasks", "AccessDeniedException", "not allowed")
    assert step(world) is None
    assert "Whether tasks of deployment d-NEW1 of shop:12 keep dying could not be read" in caplog.text


def test_a_throttled_stop_is_tried_again(world: World) -> None:
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), *three())
    world.fails("codedeploy", "stop_deployment", "ThrottlingException")
    assert step(world) is None
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), *three()).stops("d-NEW1")
    world.targets("d-NEW1", lifecycle("Install"))
    with pytest.raises(TasksKeepDyingError):
        step(world)
