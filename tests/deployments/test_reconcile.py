"""One look, one step: the sequences of states that AWS documents, for a deployment inside a healthy stack update."""

from typing import Any

import pytest

from seachange_deployments.errors import (
    AlarmsFiringError,
    AnotherDeploymentError,
    DeadlinePassedError,
    DeploymentFailedError,
    InvalidInputError,
    ServiceNotReadyError,
)
from seachange_deployments.reconcile import DEADLINE_S, Request, reconcile
from tests.deployments.world import (
    BLUE,
    EVENT,
    GREEN,
    NEW,
    NOW,
    OLD,
    OTHER,
    PROPERTIES,
    SHIFTED,
    World,
    lifecycle,
    when,
)

GREEN_WATCH = ("green-5xx", "green-p99", "database")
CRASH = {
    "taskDefinitionArn": NEW,
    "stoppedReason": "Essential container in task exited",
    "containers": [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed"}],
}


def step(world: World, *, late: bool = False, **changes: Any) -> dict[str, str] | None:
    request = Request.of({**EVENT, **changes})
    return reconcile(request, world.clients, now=lambda: request.started_at + (DEADLINE_S + 1 if late else 60))


def test_success_from_start_to_shifted_traffic(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world) is None
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Created")
    world.fails("codedeploy", "list_deployment_targets", "DeploymentNotStartedException")
    assert step(world) is None
    for reached in ("Install", "AfterAllowTestTraffic", "AllowTraffic", "AfterAllowTraffic"):
        world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle(reached))
        assert step(world) is None
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", SHIFTED)
    assert step(world) == {"DeploymentId": "d-NEW1"}


def test_traffic_has_shifted_without_an_event_after_it(world: World) -> None:
    events = lifecycle("AllowTraffic", status="Succeeded")[:-1]
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Baking").targets("d-NEW1", events)
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
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Succeeded", **info).service(OLD)
    assert step(world) == {"DeploymentId": "d-NEW1"}


def test_an_alarm_stops_it(world: World) -> None:
    info = {
        "completeTime": when(NOW),
        "errorInformation": {"code": "ALARM_ACTIVE", "message": "One or more alarms have been activated"},
        "rollbackInfo": {"rollbackDeploymentId": "d-BACK1"},
        "overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": "green-5xx"}]},
    }
    back = {"creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-NEW1"}}
    world.stack().group("d-BACK1").deployment("d-BACK1", OLD, "InProgress", **back)
    world.deployment("d-NEW1", NEW, "Stopped", **info)
    world.targets("d-NEW1", lifecycle("AllowTraffic", status="Unknown"))
    world.alarms("green-5xx", firing=("green-5xx",)).stopped_tasks().deployment("d-BACK1", OLD, "InProgress", **back)
    with pytest.raises(DeploymentFailedError) as failure:
        step(world)
    assert str(failure.value) == (
        "Deployment d-NEW1 of shop:12 stopped: ALARM_ACTIVE: One or more alarms have been activated. "
        "Now alarm green-5xx fires (3 of 3 above 0.05). Rolled back by deployment d-BACK1 (InProgress)."
    )


def test_a_failed_hook_is_named_even_if_other_evidence_cannot_be_read(world: World) -> None:
    error = {"code": "HOOK_EXECUTION_FAILURE", "message": "The hook failed"}
    info = {"completeTime": when(NOW), "errorInformation": error}
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("AfterAllowTestTraffic", status="Failed", problem="POST /customers gave 500"))
    world.fails("ecs", "list_tasks", "AccessDeniedException", "not allowed")
    with pytest.raises(DeploymentFailedError) as failure:
        step(world)
    assert "AfterAllowTestTraffic failed: POST /customers gave 500" in str(failure.value)
    assert "The stopped tasks could not be read" in str(failure.value)


def test_a_crash_loop_is_stopped_at_the_deadline(world: World) -> None:
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install"))
    assert step(world) is None
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install"))
    scaled_in = {"taskDefinitionArn": OLD, "stoppedReason": "Scaling activity initiated by deployment"}
    world.targets("d-NEW1", lifecycle("Install")).stopped_tasks(scaled_in, CRASH, CRASH)
    world.stops("d-NEW1")
    with pytest.raises(DeadlinePassedError) as failure:
        step(world, late=True)
    assert str(failure.value) == (
        "Deployment d-NEW1 of shop:12 had not shifted traffic after 45 min and was stopped with rollback. "
        "Task stopped: Essential container in task exited; container app: OutOfMemoryError: Container killed, "
        "exit code 137."
    )


def test_a_deployment_that_ends_while_it_is_stopped(world: World) -> None:
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install"))
    world.targets("d-NEW1", lifecycle("Install")).stopped_tasks()
    world.fails("codedeploy", "stop_deployment", "DeploymentAlreadyCompletedException")
    with pytest.raises(DeadlinePassedError):
        step(world, late=True)


def test_the_deadline_before_any_start(world: World) -> None:
    world.stack().group().service(OLD)
    with pytest.raises(DeadlinePassedError, match="shop:12 was not started: the group was busy for 45 min"):
        step(world, late=True)


def test_the_message_fits_cloudformation(world: World) -> None:
    info = {"completeTime": when(NOW), "errorInformation": {"code": "INTERNAL_ERROR", "message": "ü" * 4000}}
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("Install")).stopped_tasks()
    with pytest.raises(DeploymentFailedError) as failure:
        step(world)
    assert 2900 < len(str(failure.value).encode()) < 3100


def test_the_same_event_twice_adopts_what_the_first_one_started(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-NEW1'"
    world.fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("Install"))
    assert step(world) is None


def test_the_same_event_again_after_the_failure_starts_nothing(world: World) -> None:
    info = {"completeTime": when(NOW - 300), "description": "SeaChange: shop:12, request request-1"}
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("Install")).stopped_tasks()
    with pytest.raises(DeploymentFailedError, match="CodeDeploy gives no reason"):
        step(world)


def test_a_release_that_failed_for_an_earlier_request_may_be_tried_again(world: World) -> None:
    info = {"completeTime": when(NOW - 300), "description": "SeaChange: shop:12, request request-0"}
    world.stack().group("d-OLD1").deployment("d-OLD1", NEW, "Failed", **info).service(OLD).alarms(*GREEN_WATCH)
    world.creates("d-NEW1", *GREEN_WATCH)
    assert step(world) is None


def test_a_limit_without_an_id_is_passed_on(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    world.fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", "Too many in this account")
    with pytest.raises(AnotherDeploymentError, match="Too many in this account"):
        step(world)


def test_another_release_that_is_shifting_is_named(world: World) -> None:
    world.stack().group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress")
    world.targets("d-OTHER1", lifecycle("AllowTraffic"))
    with pytest.raises(AnotherDeploymentError, match="Deployment d-OTHER1 of shop:123 is still shifting") as refusal:
        step(world)
    assert refusal.value.deployment_id == "d-OTHER1"


def test_another_release_is_found_through_the_limit_too(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-OTHER1'"
    world.fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", lifecycle("Install"))
    with pytest.raises(AnotherDeploymentError, match="d-OTHER1"):
        step(world)


def test_a_healthy_bake_of_another_release_is_ended_then_the_wanted_one_starts(world: World) -> None:
    override = {"overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": "green-5xx"}]}}
    blue_watch = ("blue-5xx", "blue-p99", "database")
    for refused in (None, "DeploymentIsNotInReadyStateException", "InvalidDeploymentStatusException"):
        world.stack().group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress", **override)
        world.targets("d-OTHER1", SHIFTED).service(OTHER, GREEN).alarms("green-5xx", *blue_watch)
        if refused:
            world.fails("codedeploy", "continue_deployment", refused)
        else:
            world.ends_bake("d-OTHER1")
        assert step(world) is None
    world.stack().group("d-OTHER1").deployment("d-OTHER1", OTHER, "Succeeded", completeTime=when(NOW))
    world.service(OTHER, GREEN).alarms(*blue_watch).creates("d-NEW1", *blue_watch)
    assert step(world) is None


def test_a_bake_under_a_firing_alarm_is_left_alone(world: World) -> None:
    world.stack().group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", SHIFTED)
    world.service(OTHER, GREEN)
    world.alarms("of-the-group", "blue-5xx", "blue-p99", "database", firing=("of-the-group",))
    with pytest.raises(AlarmsFiringError, match="Ending the bake of deployment d-OTHER1 of shop:123 is refused"):
        step(world)


def test_a_bake_that_does_not_end_in_time(world: World) -> None:
    world.stack().group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", SHIFTED)
    with pytest.raises(DeadlinePassedError, match="The bake of deployment d-OTHER1 of shop:123 had not ended"):
        step(world, late=True)


def test_an_alarm_that_fires_before_the_start_is_named(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH, firing=("database",))
    with pytest.raises(AlarmsFiringError, match=r"Starting shop:12 is refused: alarm database fires \(3 of 3"):
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


def test_an_app_spec_that_lies_elsewhere_counts_as_another_release(world: World) -> None:
    info = {
        "applicationName": "shop",
        "status": "InProgress",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "specs", "key": "a.yaml", "bundleType": "YAML"}},
    }
    world.stack().group("d-OTHER1")
    world.answers("codedeploy", "get_deployment", {"deploymentId": "d-OTHER1"}, {"deploymentInfo": info})
    world.targets("d-OTHER1", lifecycle("Install"))
    with pytest.raises(AnotherDeploymentError, match="d-OTHER1 of a release that its AppSpec does not name"):
        step(world)


def test_an_app_spec_in_yaml_is_read_too(world: World) -> None:
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "5e6f"}}
    info = {"applicationName": "shop", "status": "InProgress", "revision": revision}
    content = f'Resources:\n  - TargetService:\n      Properties:\n        TaskDefinition: "{NEW}"\n'
    world.stack().group("d-HAND1")
    world.answers("codedeploy", "get_deployment", {"deploymentId": "d-HAND1"}, {"deploymentInfo": info})
    answer = {"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}}
    world.answers(
        "codedeploy", "get_application_revision", {"applicationName": "shop", "revision": revision}, answer
    ).targets("d-HAND1", SHIFTED)
    assert step(world) == {"DeploymentId": "d-HAND1"}
