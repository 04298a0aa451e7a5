"""A stack rollback starts nothing, leaves no deployment active, and never fails."""

import pytest
from botocore.exceptions import ClientError

from tests.deployments.said import NEW, OLD, OTHER, PROPERTIES, RUNS, RUNS_SET, RUNS_SPEC, SHIFTED, lifecycle
from tests.deployments.world import World, step

ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


def test_with_nothing_active_and_the_wanted_release_serving(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group().service(NEW)
    assert step(world) == {"DeploymentId": ""}
    assert "shop:12 serves, as wanted" in caplog.text


def test_the_wanted_release_is_not_started(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", NEW, "Failed").service(OLD)
    assert step(world) == {"DeploymentId": ""}
    assert "the template wants shop:12, shop:1 serves" in caplog.text


@pytest.mark.parametrize("status", ["Created", "Queued", "InProgress", "Ready", "Baking"])
def test_an_active_deployment_is_stopped_and_waited_for(world: World, status: str) -> None:
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, status).stops("d-OTHER1")
    assert step(world) is None
    back = {"creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-OTHER1"}}
    world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "InProgress", **back)
    world.targets("d-BACK1", lifecycle("AllowTraffic"))
    assert step(world) is None  # CodeDeploy's own rollback must not be stopped
    world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "Succeeded", **back).service(NEW)
    assert step(world) == {"DeploymentId": ""}


def test_the_bake_of_codedeploys_own_rollback_is_not_waited_for(world: World) -> None:
    back = {"creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-OTHER1"}}
    world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "InProgress", **back)
    world.targets("d-BACK1", SHIFTED).service(NEW)
    assert step(world) == {"DeploymentId": ""}


def test_an_active_deployment_of_the_wanted_release_is_not_adopted(world: World) -> None:
    world.stack(ROLLING_BACK).group("d-NEW1").deployment("d-NEW1", NEW, "InProgress")
    world.targets("d-NEW1", lifecycle("AllowTraffic")).stops("d-NEW1")
    assert step(world) is None


def test_the_bake_of_the_wanted_release_goes_on(world: World) -> None:
    world.stack(ROLLING_BACK).group("d-NEW1").deployment("d-NEW1", NEW, "InProgress")
    world.targets("d-NEW1", SHIFTED).service(NEW)
    assert step(world) == {"DeploymentId": ""}


def test_a_rollback_in_the_middle_of_the_deployment_stops_it(world: World) -> None:
    world.stack().group("d-NEW1").deployment("d-NEW1", NEW, "InProgress").targets("d-NEW1", lifecycle("AllowTraffic"))
    assert step(world) is None
    world.stack(ROLLING_BACK).group("d-NEW1").deployment("d-NEW1", NEW, "InProgress")
    world.targets("d-NEW1", lifecycle("AllowTraffic")).stops("d-NEW1")
    assert step(world) is None
    world.stack(ROLLING_BACK).group("d-NEW1").deployment("d-NEW1", NEW, "Stopped").service(OLD)
    assert step(world) == {"DeploymentId": ""}


def test_it_succeeds_at_the_deadline(world: World) -> None:
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress").stops("d-OTHER1")
    world.service(OTHER)
    assert step(world, late=True) == {"DeploymentId": ""}


def test_it_succeeds_without_permission(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).fails("codedeploy", "get_deployment_group", "AccessDeniedException")
    assert step(world) == {"DeploymentId": ""}
    assert "gave up looking after the deployment group" in caplog.text


def test_throttling_waits_until_the_deadline_and_not_longer(world: World) -> None:
    world.stack(ROLLING_BACK).fails("codedeploy", "get_deployment_group", "ThrottlingException")
    assert step(world) is None
    world.stack(ROLLING_BACK).fails("codedeploy", "get_deployment_group", "ThrottlingException")
    assert step(world, late=True) == {"DeploymentId": ""}


def test_a_service_that_is_gone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group().service(OLD, taskSets=[])
    assert step(world) == {"DeploymentId": ""}
    assert "nothing serves" in caplog.text


BAD = {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-OTHER1"}, "creator": "codeDeployRollback"}


def test_before_codedeploys_own_rollback_a_stop_that_is_pending_is_repeated(world: World) -> None:
    for _ in range(2):
        world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress").stops("d-OTHER1")
        assert step(world) is None
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress")
    world.fails("codedeploy", "stop_deployment", "DeploymentAlreadyCompletedException")
    assert step(world) is None


def test_after_codedeploys_own_rollback_nothing_is_left_to_do(world: World) -> None:
    world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "Succeeded", **BAD).service(NEW)
    assert step(world) == {"DeploymentId": ""}


def test_a_rollback_that_failed_is_not_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "Failed", **BAD).service(OTHER)
    assert step(world) == {"DeploymentId": ""}
    assert "the template wants shop:12, shop:123 serves" in caplog.text


def test_a_rollback_that_hangs_is_left_at_the_deadline(world: World) -> None:
    for late in (False, True):
        world.stack(ROLLING_BACK).group("d-BACK1").deployment("d-BACK1", NEW, "InProgress", **BAD)
        world.targets("d-BACK1", lifecycle("AllowTraffic"))
        if late:
            world.service(OTHER)
        assert step(world, late=late) == ({"DeploymentId": ""} if late else None)


def test_the_bake_of_the_release_that_is_undone_is_stopped_with_rollback(world: World) -> None:
    # The deployment had succeeded for CloudFormation; something else in the stack failed after it.
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, "InProgress").stops("d-OTHER1")
    assert step(world) is None


def test_another_network_that_is_undone_is_stopped_too(world: World) -> None:
    elsewhere = RUNS_SPEC.replace("sg-1", "sg-0")
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", NEW, "InProgress", elsewhere).stops("d-OTHER1")
    assert step(world, properties=RUNS) is None


def test_what_serves_is_said_when_only_its_network_differs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group().service(NEW, runs={**RUNS_SET, "platformVersion": "1.3.0"})
    assert step(world, properties=RUNS) == {"DeploymentId": ""}
    assert "the template wants shop:12, shop:12 with another platform serves" in caplog.text


def test_a_deployment_accepted_by_an_earlier_update_goes_on(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group("d-NEW1").deployment("d-NEW1", NEW, "Ready").service(OLD)
    assert step(world, properties={"CompleteWhen": "started"}) == {"DeploymentId": ""}
    assert "d-NEW1 of shop:12 was accepted before this update, and goes on" in caplog.text


def test_started_stops_the_deployment_that_is_undone(world: World) -> None:
    world.stack(ROLLING_BACK).group("d-OTHER1").deployment("d-OTHER1", OTHER, "Ready").stops("d-OTHER1")
    assert step(world, properties={"CompleteWhen": "started"}) is None


def test_a_service_that_was_deleted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.stack(ROLLING_BACK).group()
    request = {"cluster": "shop", "services": [PROPERTIES["Service"]]}
    world.answers("ecs", "describe_services", request, {"services": [], "failures": [{"reason": "MISSING"}]})
    assert step(world) == {"DeploymentId": ""}
    assert "nothing serves" in caplog.text


def test_a_status_that_cannot_be_read_is_told_by_the_revision_that_is_wanted_again(world: World) -> None:
    went_back = {"OldResourceProperties": {**PROPERTIES, "TaskDefinition": OTHER}}
    world.fails("cloudformation", "describe_stacks", "ThrottlingException")
    assert step(world, **went_back) is None
    world.fails("cloudformation", "describe_stacks", "ThrottlingException").group().service(NEW)
    assert step(world, late=True, **went_back) == {"DeploymentId": ""}
    world.fails("cloudformation", "describe_stacks", "AccessDeniedException").group().service(NEW)
    assert step(world, **went_back) == {"DeploymentId": ""}


@pytest.mark.parametrize("replaced", [OLD, NEW, "arn:aws:ecs:eu-west-1:123456789012:task-definition/other:99", None])
def test_a_status_that_cannot_be_read_fails_an_update_that_goes_forward(world: World, replaced: str | None) -> None:
    world.fails("cloudformation", "describe_stacks", "AccessDeniedException", "not allowed")
    with pytest.raises(ClientError, match="not allowed"):
        step(world, OldResourceProperties={"TaskDefinition": replaced})
