"""A stack rollback starts nothing, leaves no deployment active, and never fails."""

import pytest

from seachange_deployments.reconcile import DEADLINE_S, Request, reconcile
from tests.deployments.world import EVENT, NEW, OLD, OTHER, SHIFTED, World, lifecycle

ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


def step(world: World, *, late: bool = False) -> dict[str, str] | None:
    request = Request.of(EVENT)
    return reconcile(request, world.clients, now=lambda: request.started_at + (DEADLINE_S + 1 if late else 60))


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
