"""A new service's first tasks, watched beside CloudFormation."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from seachange_deployments import first_tasks, handler
from seachange_deployments.errors import InvalidInputError, TasksFailedError, UnreachableError
from seachange_deployments.observe import Clients
from seachange_deployments.request import DEADLINE_S, GIVE_UP_S, Request
from tests.deployments.said import EVENT, NOW, dead_task, when
from tests.deployments.world import World

PROPERTIES = {
    "Cluster": "shop",
    "ServiceName": "customers",
    "ContainerName": "app",
    "LogGroup": "/shop",
    "LogStreamPrefix": "customers",
}
CREATE: dict[str, Any] = {
    "ResourceType": "Custom::SeaChangeFirstTasks",
    "RequestType": "Create",
    "RequestId": "request-1",
    "StackId": EVENT["StackId"],
    "LogicalResourceId": "FirstTasks",
    "ResourceProperties": PROPERTIES,
    "StartedAt": int(NOW) - 60,
}


def watch(world: World, *, after: float = 60) -> bool:
    request = Request.of(CREATE)
    return first_tasks.watch(request, world.clients, now=lambda: request.started_at + after)


def service(world: World, *, running: int = 0, stability: str = "STABILIZING", **found: Any) -> World:
    primary = {"status": "PRIMARY", "stabilityStatus": stability}
    answer = {
        "status": "ACTIVE",
        "desiredCount": 2,
        "runningCount": running,
        "createdAt": when(NOW - 90),
        "taskSets": [primary],
        **found,
    }
    world.stack("CREATE_IN_PROGRESS")
    return world.answers(
        "ecs", "describe_services", {"cluster": "shop", "services": ["customers"]}, {"services": [answer]}
    )


def absent(world: World) -> World:
    answer: dict[str, Any] = {"services": [], "failures": [{"arn": "customers", "reason": "MISSING"}]}
    world.stack("CREATE_IN_PROGRESS")
    return world.answers("ecs", "describe_services", {"cluster": "shop", "services": ["customers"]}, answer)


def test_from_no_service_to_steady_tasks(world: World) -> None:
    absent(world)
    assert not watch(world)
    service(world, status="INACTIVE")  # an earlier one of the same name
    assert not watch(world)
    service(world, running=1).stopped_tasks()
    assert not watch(world)
    service(world, running=2).stopped_tasks()  # they run, and the load balancer has yet to find them healthy
    assert not watch(world)
    service(world, running=2, stability="STEADY_STATE")
    assert watch(world)


def test_a_service_that_was_there_long_before_has_no_first_tasks(world: World) -> None:
    service(world, createdAt=when(NOW - 961))
    assert watch(world)


def test_no_wanted_task_needs_no_watch(world: World) -> None:
    service(world, desiredCount=0)
    assert watch(world)


def test_tasks_that_keep_dying_fail_the_create_with_their_reason(world: World) -> None:
    tasks = [dead_task(number) for number in (1, 2, 3)]
    service(world).stopped_tasks(*tasks[:2])
    assert not watch(world)
    service(world).stopped_tasks(*tasks).logged(tasks[2], "no DSN").logged(tasks[1])
    with pytest.raises(TasksFailedError) as failure:
        watch(world)
    assert str(failure.value) == (
        "The first tasks of service customers keep dying: 3 have died (3 are too many for a desired count of 2). "
        "3 tasks died: Essential container in task exited; container app: OutOfMemoryError: Container killed, exit code "
        f"137. Task {'0' * 31}3 logged last: no DSN."
    )


def test_the_dead_of_an_earlier_service_of_this_name_do_not_count(world: World) -> None:
    service(world).stopped_tasks(*(dead_task(number, created=NOW - 91) for number in (1, 2, 3)))
    assert not watch(world)


def test_the_deadline_says_what_ecs_says(world: World) -> None:
    events = [
        {"message": "(service customers) was unable to place a task."},
        {"message": "older"},
        {"message": "oldest"},
    ]
    service(world, running=1, events=[*events, {"message": "forgotten"}]).stopped_tasks()
    with pytest.raises(TasksFailedError) as failure:
        watch(world, after=DEADLINE_S + 1)
    assert str(failure.value) == (
        "The first tasks of service customers were not steady after 45 min: 1 of 2 run. ECS says: (service customers) was "
        "unable to place a task. ECS says: older. ECS says: oldest."
    )


def test_the_deadline_without_a_service(world: World) -> None:
    absent(world)
    with pytest.raises(TasksFailedError, match="There was no service customers after 45 min"):
        watch(world, after=DEADLINE_S + 1)


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_a_stack_that_goes_back_is_not_held_up(world: World, status: str) -> None:
    world.stack(status)
    assert watch(world)


def test_throttling_looks_again_until_the_time_is_over(world: World) -> None:
    for after in (60, DEADLINE_S + 1):
        world.fails("cloudformation", "describe_stacks", "ThrottlingException")
        assert not watch(world, after=after)
    world.fails("cloudformation", "describe_stacks", "ThrottlingException", "Rate exceeded")
    with pytest.raises(UnreachableError, match="Rate exceeded"):
        watch(world, after=GIVE_UP_S + 1)


def test_stopped_tasks_that_cannot_be_read_do_not_fail_it(world: World) -> None:
    service(world).fails("ecs", "list_tasks", "AccessDeniedException")
    assert not watch(world)


def test_another_error_fails_it(world: World) -> None:
    world.stack("CREATE_IN_PROGRESS").fails("ecs", "describe_services", "AccessDeniedException", "not allowed")
    with pytest.raises(ClientError, match="not allowed"):
        watch(world)


def test_the_doors_tell_it_from_a_deployment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clients, "connect", lambda: world.clients)
    event = {**CREATE, **handler.on_event(CREATE, None)}
    assert event["PhysicalResourceId"] == "seachange-first-tasks-FirstTasks"
    absent(world)
    assert handler.is_complete(event, None) == {"IsComplete": False}
    service(world, running=2, stability="STEADY_STATE")
    assert handler.is_complete(event, None) == {"IsComplete": True}
    for kind in ("Update", "Delete"):
        assert handler.is_complete({**event, "RequestType": kind}, None) == {"IsComplete": True}


def test_missing_properties_are_named() -> None:
    with pytest.raises(InvalidInputError, match="lacks ServiceName"):
        Request.of({**CREATE, "ResourceProperties": {**PROPERTIES, "ServiceName": ""}})
