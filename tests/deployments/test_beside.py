"""The next step beside an active deployment of another release, and how far the wanted one must be."""

import pytest

from seachange_deployments.errors import (
    AlarmsFiringError,
    AnotherDeploymentError,
    DeadlinePassedError,
    DeploymentFailedError,
)
from tests.deployments.said import (
    EVENT,
    GREEN,
    GREEN_WATCH,
    NEW,
    NOW,
    OLD,
    OTHER,
    RUNS,
    RUNS_SET,
    RUNS_SPEC,
    SHIFTED,
    lifecycle,
    when,
)
from tests.deployments.world import World, step

BACK = {"creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-BAD1"}}
BLUE_WATCH = ("blue-5xx", "blue-p99", "database")
ENDED = {"CompleteWhen": "ended"}
STARTED = {"CompleteWhen": "started"}


def test_another_release_that_is_shifting_is_named(world: World) -> None:
    world.look("d-OTHER1", OTHER, "InProgress")
    world.targets("d-OTHER1", lifecycle("AllowTraffic"))
    with pytest.raises(AnotherDeploymentError, match="Deployment d-OTHER1 of shop:123 is still shifting") as refusal:
        step(world)
    assert refusal.value.deployment_id == "d-OTHER1"


def test_another_release_is_found_through_the_limit_too(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-OTHER1'"
    world.listener().fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", lifecycle("Install"))
    with pytest.raises(AnotherDeploymentError, match="d-OTHER1"):
        step(world)


def test_a_healthy_bake_of_another_release_is_ended_then_the_wanted_one_starts(world: World) -> None:
    override = {"overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": "green-5xx"}]}}
    blue_watch = ("blue-5xx", "blue-p99", "database")
    for refused in (None, "DeploymentIsNotInReadyStateException", "InvalidDeploymentStatusException"):
        world.look("d-OTHER1", OTHER, "InProgress", **override)
        world.targets("d-OTHER1", SHIFTED).service(OTHER, GREEN).alarms("green-5xx", *blue_watch)
        if refused:
            world.fails("codedeploy", "continue_deployment", refused)
        else:
            world.ends_bake("d-OTHER1")
        assert step(world) is None
    world.look("d-OTHER1", OTHER, "Succeeded", completeTime=when(NOW)).service(OTHER, GREEN)
    assert step(world) is None  # ECS may still show what was before
    world.look("d-OTHER1", OTHER, "Succeeded", completeTime=when(NOW - 60))
    world.service(OTHER, GREEN).alarms(*blue_watch).creates("d-NEW1", *blue_watch)
    assert step(world) is None


def test_a_bake_under_a_firing_alarm_is_left_alone(world: World) -> None:
    world.look("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", SHIFTED)
    world.service(OTHER, GREEN)
    world.alarms("of-the-group", "blue-5xx", "blue-p99", "database", firing=("of-the-group",))
    with pytest.raises(AlarmsFiringError, match="Ending the bake of deployment d-OTHER1 of shop:123 is refused"):
        step(world)


def test_a_bake_that_does_not_end_in_time(world: World) -> None:
    world.look("d-OTHER1", OTHER, "InProgress").targets("d-OTHER1", SHIFTED).service(OTHER, GREEN)
    with pytest.raises(DeadlinePassedError, match="The bake of deployment d-OTHER1 of shop:123 had not ended"):
        step(world, late=True)


def test_a_release_that_waits_for_approval_is_named_with_what_to_do(world: World) -> None:
    world.look("d-OTHER1", OTHER, "Ready").targets("d-OTHER1", lifecycle("BeforeAllowTraffic"))
    with pytest.raises(AnotherDeploymentError) as refusal:
        step(world)
    assert str(refusal.value) == (
        "Deployment d-OTHER1 of shop:123 waits for approval (Ready). Approve it (aws deploy continue-deployment "
        "--deployment-id d-OTHER1 --deployment-wait-type READY_WAIT) or stop it (aws deploy stop-deployment "
        "--deployment-id d-OTHER1 --auto-rollback-enabled), then deploy again."
    )


def test_codedeploys_rollback_of_an_earlier_failure_is_waited_for_then_its_bake_ended(world: World) -> None:
    for status in ("Created", "InProgress"):
        world.look("d-BACK1", OLD, status, **BACK).deployment("d-BAD1", OTHER, "Failed")
        world.targets("d-BACK1", lifecycle("AllowTraffic"))
        assert step(world) is None
    # The failed release's alarms may fire for a while: they do not watch the one that came back.
    world.look("d-BACK1", OLD, "InProgress", **BACK).deployment("d-BAD1", OTHER, "Failed")
    world.targets("d-BACK1", SHIFTED).service(OLD).ends_bake("d-BACK1")
    assert step(world) is None


def test_a_rollback_that_hangs_is_waited_for_until_the_deadline(world: World) -> None:
    world.look("d-BACK1", OLD, "InProgress", **BACK).deployment("d-BAD1", OTHER, "Failed")
    world.targets("d-BACK1", lifecycle("AllowTraffic"))
    with pytest.raises(AnotherDeploymentError, match="d-BACK1 of shop:1 is still shifting"):
        step(world, late=True)


def test_codedeploys_rollback_to_the_wanted_release_is_adopted_and_never_stopped(world: World) -> None:
    world.look("d-BACK1", NEW, "InProgress", **BACK).deployment("d-BAD1", OTHER, "Failed")
    world.targets("d-BACK1", lifecycle("AllowTraffic"))
    assert step(world) is None
    world.look("d-BACK1", NEW, "InProgress", **BACK).deployment("d-BAD1", OTHER, "Failed")
    world.targets("d-BACK1", lifecycle("AllowTraffic")).targets("d-BACK1", lifecycle("AllowTraffic")).dying("d-BACK1")
    with pytest.raises(DeadlinePassedError, match=r"d-BACK1 of shop:12 had not shifted traffic after 45 min\.$"):
        step(world, late=True)


def test_the_same_task_definition_in_another_network_is_another_release(world: World) -> None:
    elsewhere = RUNS_SPEC.replace("subnet-a", "subnet-z")
    world.look("d-OTHER1", NEW, "InProgress", elsewhere).targets("d-OTHER1", lifecycle("Install"))
    with pytest.raises(AnotherDeploymentError, match="d-OTHER1"):
        step(world, properties=RUNS)
    world.look("d-NEW1", NEW, "InProgress", RUNS_SPEC).shifting("d-NEW1", lifecycle("Install"))
    assert step(world, properties=RUNS) is None


def test_a_bake_is_not_ended_when_what_serves_is_wanted_though_its_app_spec_says_less(world: World) -> None:
    world.look("d-HAND1", NEW, "InProgress").targets("d-HAND1", SHIFTED).service(NEW, GREEN, runs=RUNS_SET)
    assert step(world, properties=RUNS) == {"DeploymentId": "d-HAND1"}


def test_ended_waits_for_the_end_of_the_bake(world: World) -> None:
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", SHIFTED)
    assert step(world, properties=ENDED) is None
    world.look("d-NEW1", NEW, "Succeeded").service(NEW, GREEN)
    assert step(world, properties=ENDED) == {"DeploymentId": "d-NEW1"}


def test_ended_leaves_a_healthy_bake_alone_at_the_deadline(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", SHIFTED)
    assert step(world, late=True, properties=ENDED) == {"DeploymentId": "d-NEW1"}
    assert "d-NEW1 of shop:12 has shifted traffic and still bakes after 45 min; the bake goes on" in caplog.text


def test_ended_fails_if_an_alarm_ends_the_bake(world: World) -> None:
    error = {"code": "ALARM_ACTIVE", "message": "One or more alarms have been activated"}
    info = {"completeTime": when(NOW), "errorInformation": error}
    world.look("d-NEW1", NEW, "Stopped", **info).targets("d-NEW1", SHIFTED)
    world.alarms("blue-5xx", "blue-p99", *GREEN_WATCH, firing=("green-5xx",)).dying("d-NEW1")
    with pytest.raises(DeploymentFailedError, match="d-NEW1 of shop:12 stopped after 10 min: ALARM_ACTIVE"):
        step(world, properties=ENDED)


def test_an_approval_that_never_came_is_stopped_at_the_deadline(world: World) -> None:
    for late in (False, True):
        world.look("d-NEW1", NEW, "Ready").shifting("d-NEW1", lifecycle("BeforeAllowTraffic"))
        if not late:
            assert step(world) is None
    world.stops("d-NEW1").targets("d-NEW1", lifecycle("BeforeAllowTraffic")).dying("d-NEW1")
    with pytest.raises(DeadlinePassedError) as failure:
        step(world, late=True)
    assert (
        str(failure.value)
        == "Deployment d-NEW1 of shop:12 was never approved after 45 min and was stopped with rollback."
    )


def test_started_completes_when_codedeploy_has_accepted_it(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world, properties=STARTED) == {"DeploymentId": "d-NEW1"}
    world.look("d-NEW1", NEW, "Ready").targets("d-NEW1", lifecycle("BeforeAllowTraffic"))
    assert step(world, properties=STARTED) == {"DeploymentId": "d-NEW1"}  # the same event again


def test_started_adopts_what_a_race_started(world: World) -> None:
    world.stack().group().service(OLD).alarms(*GREEN_WATCH)
    message = "The Deployment Group 'customers' already has an active Deployment 'd-NEW1'"
    world.listener().fails("codedeploy", "create_deployment", "DeploymentLimitExceededException", message)
    world.deployment("d-NEW1", NEW, "Created")
    world.fails("codedeploy", "list_deployment_targets", "DeploymentNotStartedException")
    assert step(world, properties=STARTED) == {"DeploymentId": "d-NEW1"}


def test_after_started_the_next_deploy_finds_the_failure_and_goes_on(world: World) -> None:
    info = {"completeTime": when(NOW - 900), "description": "SeaChange: shop:123, request request-0"}
    world.look("d-OTHER1", OTHER, "Stopped", **info).service(OLD)
    world.alarms(*GREEN_WATCH).creates("d-NEW1", *GREEN_WATCH)
    assert step(world, properties=STARTED) == {"DeploymentId": "d-NEW1"}


def test_an_old_event_does_not_stop_the_deployment_of_a_newer_update(world: World) -> None:
    """It was delivered twice, the second time during an update to the same release: its deadline is not that one's."""
    newer = {"createTime": when(NOW + 600), "description": "SeaChange: shop:12, request request-2"}
    world.look("d-NEW2", NEW, "InProgress", **newer).targets("d-NEW2", lifecycle("AllowTraffic"))
    with pytest.raises(DeadlinePassedError, match="d-NEW2 of shop:12 belongs to a newer update, and goes on"):
        step(world, late=True)


def test_an_override_does_not_hide_that_the_bake_to_be_ended_is_sick(world: World) -> None:
    override = {"overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": "database"}]}}
    world.look("d-OTHER1", OTHER, "InProgress", **override).targets("d-OTHER1", SHIFTED).service(OTHER, GREEN)
    world.alarms(*BLUE_WATCH, firing=("database",))
    with pytest.raises(AlarmsFiringError, match="Ending the bake"):
        step(world, properties={"OverriddenAlarms": ["database"]})
    override["overrideAlarmConfiguration"]["alarms"] = [{"name": "green-5xx"}]
    world.look("d-OTHER1", OTHER, "InProgress", **override).targets("d-OTHER1", SHIFTED).service(OTHER, GREEN)
    world.alarms("blue-5xx", "blue-p99", "green-5xx").ends_bake("d-OTHER1")
    assert step(world, properties={"OverriddenAlarms": ["database"]}) is None


def test_the_releases_own_name_is_said(world: World) -> None:
    world.stack().group().service(OLD)
    with pytest.raises(DeadlinePassedError, match=r"shop:12 \(release 2.0\) was not started"):
        step(world, late=True, properties={"Release": "2.0"}, RequestId=EVENT["RequestId"])


def test_a_rollback_that_just_ended_may_not_show_in_ecs_yet(world: World) -> None:
    back = {
        "applicationName": "shop",
        "status": "Succeeded",
        "completeTime": when(NOW - 59),
        **BACK,
    }  # it names no AppSpec
    for served in (OTHER, NEW):
        world.stack().group("d-BACK1")
        world.answers("codedeploy", "get_deployment", {"deploymentId": "d-BACK1"}, {"deploymentInfo": back})
        world.deployment("d-BAD1", OTHER, "Failed").service(served)
        assert step(world) == ({"DeploymentId": ""} if served == NEW else None)


def test_a_rollback_is_found_through_the_deployment_that_it_undoes(world: World) -> None:
    undone = {"rollbackInfo": {"rollbackDeploymentId": "d-BACK1"}}
    world.look("d-BAD1", OTHER, "Stopped", **undone).deployment("d-BACK1", OLD, "InProgress", **BACK)
    world.deployment("d-BAD1", OTHER, "Stopped", **undone).targets("d-BACK1", lifecycle("AllowTraffic"))
    assert step(world) is None
