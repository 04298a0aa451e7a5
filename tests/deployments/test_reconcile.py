"""One look, one step: the sequences of states that AWS documents, for a deployment inside a healthy stack update."""

from typing import Any

import pytest

from seachange_deployments.errors import (
    AnotherDeploymentError,
    DeadlinePassedError,
    DeploymentFailedError,
    InvalidInputError,
    RefusedError,
    ServiceNotReadyError,
)
from seachange_deployments.observe import traffic_shares
from tests.deployments.said import (
    BLUE,
    GREEN,
    GREEN_WATCH,
    LISTENER,
    NEW,
    NOW,
    OLD,
    OTHER,
    PROPERTIES,
    SHIFTED,
    lifecycle,
    when,
)
from tests.deployments.world import World, step


def test_success_from_start_to_shifted_traffic(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world) is None
    world.look("d-NEW1", NEW, "Created")
    world.fails("codedeploy", "list_deployment_targets", "DeploymentNotStartedException").dying("d-NEW1")
    assert step(world) is None
    for reached in ("Install", "AfterAllowTestTraffic", "AllowTraffic", "AfterAllowTraffic"):
        world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle(reached))
        assert step(world) is None
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", SHIFTED)
    assert step(world) == {"DeploymentId": "d-NEW1"}


def test_traffic_has_shifted_without_an_event_after_it(world: World) -> None:
    events = lifecycle("AllowTraffic", status="Succeeded")[:-1]
    world.look("d-NEW1", NEW, "Baking").targets("d-NEW1", events)
    assert step(world) == {"DeploymentId": "d-NEW1"}


def test_the_alarms_follow_the_direction(world: World) -> None:
    blue_watch = ("blue-5xx", "blue-p99", "database")
    world.stack().group().service(OLD, GREEN).alarms(*blue_watch).creates("d-NEW1", *blue_watch)
    assert step(world) is None


def test_nothing_when_the_wanted_release_serves(world: World) -> None:
    world.stack().group().service(NEW)
    assert step(world) == {"DeploymentId": ""}


def test_a_deployment_that_ended_between_two_looks(world: World) -> None:
    info = {"completeTime": when(NOW), "description": "SeaChange: shop:12, request request-1"}
    world.look("d-NEW1", NEW, "Succeeded", **info).service(OLD)
    assert step(world) == {"DeploymentId": "d-NEW1"}


def test_the_deadline_before_any_start(world: World) -> None:
    world.stack().group().service(OLD)
    with pytest.raises(DeadlinePassedError, match="shop:12 was not started: the group was busy for 45 min"):
        step(world, late=True)


def test_the_same_event_twice_adopts_what_the_first_one_started(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-NEW1'"
    world.listener().fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"))
    assert step(world) is None


def test_what_ended_meanwhile_is_looked_at_again(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-OTHER1'"
    world.listener().fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-OTHER1", OTHER, "Succeeded")
    assert step(world) is None


def test_the_same_event_again_after_the_failure_starts_nothing(world: World) -> None:
    info = {"completeTime": when(NOW - 300), "description": "SeaChange: shop:12, request request-1"}
    world.look("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("Install")).dying("d-NEW1")
    with pytest.raises(DeploymentFailedError, match="CodeDeploy gives no reason"):
        step(world)


def test_a_release_that_failed_for_an_earlier_request_may_be_tried_again(world: World) -> None:
    info = {"completeTime": when(NOW - 300), "description": "SeaChange: shop:12, request request-0"}
    world.look("d-OLD1", NEW, "Failed", **info).service(OLD)
    world.alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world) is None


def test_traffic_that_a_stop_without_rollback_left_on_green_is_found_first(world: World) -> None:
    world.look("d-OLD1", OTHER, "Stopped").service(OLD).alarms(*GREEN_WATCH).listener(green=10)
    with pytest.raises(RefusedError, match=r"10 % of the traffic goes to target group green.*beside target group blue"):
        step(world)


def test_a_listener_that_forwards_to_one_group_has_all_of_its_traffic_there(world: World) -> None:
    action = {"Type": "forward", "TargetGroupArn": GREEN}
    found = {"Listeners": [{"ListenerArn": LISTENER, "DefaultActions": [action]}]}
    world.answers("elbv2", "describe_listeners", {"ListenerArns": [LISTENER]}, found)
    assert traffic_shares(world.clients, LISTENER) == {GREEN: 100}


def test_what_has_just_ended_is_given_time_to_show(world: World) -> None:
    """ECS's answer lags behind CodeDeploy's: it may still show what served before."""
    info = {"completeTime": when(NOW - 30), "description": "SeaChange: shop:123, request request-0"}
    world.look("d-OTHER1", OTHER, "Succeeded", **info).service(OLD)
    assert step(world) is None


def test_a_limit_without_an_id_is_passed_on(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    world.listener().fails(
        "codedeploy", "create_deployment", "DeploymentLimitExceededException", "Too many in this account"
    )
    with pytest.raises(AnotherDeploymentError, match="Too many in this account"):
        step(world)


@pytest.mark.parametrize(
    ("service", "problem"),
    [
        ({"status": "INACTIVE"}, "is INACTIVE in cluster shop"),
        ({"deploymentController": {"type": "ECS"}}, "has deployment controller ECS, not CODE_DEPLOY"),
        ({"taskSets": []}, "has no PRIMARY task set in the blue or the green target group"),
    ],
)
def test_a_service_that_cannot_be_deployed_to(world: World, service: dict[str, Any], problem: str) -> None:
    world.stack().group().service(OLD, BLUE, **service)
    with pytest.raises(ServiceNotReadyError, match=problem):
        step(world)


def test_a_missing_service(world: World) -> None:
    world.stack().group()
    world.answers(
        "ecs",
        "describe_services",
        {"cluster": "shop", "services": [PROPERTIES["Service"]]},
        {"services": [], "failures": [{"reason": "MISSING"}]},
    )
    with pytest.raises(ServiceNotReadyError, match="is missing in cluster shop"):
        step(world)


def test_missing_properties_are_named(world: World) -> None:
    with pytest.raises(InvalidInputError, match="lacks Cluster, Service"):
        step(world, ResourceProperties={**PROPERTIES, "Cluster": "", "Service": None})
