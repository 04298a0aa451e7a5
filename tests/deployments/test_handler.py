"""The doors keep the Provider framework's protocol."""

import time
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from seachange_deployments import handler
from seachange_deployments.errors import RefusedError, UnreachableError, is_passing
from seachange_deployments.observe import Clients
from seachange_deployments.reconcile import reconcile
from seachange_deployments.request import DEADLINE_S, GIVE_UP_S, Request
from tests.deployments.said import EVENT, NEW, SHIFTED, lifecycle
from tests.deployments.world import World


@pytest.fixture(autouse=True)
def _stubbed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clients, "connect", lambda: world.clients)


def request(kind: str) -> dict[str, Any]:
    return {**EVENT, "RequestType": kind}


def test_the_physical_id_is_stable() -> None:
    created = {key: value for key, value in request("Create").items() if key != "PhysicalResourceId"}
    first = handler.on_event(created, None)
    assert first["PhysicalResourceId"] == "seachange-deployment-Deployment"
    assert handler.on_event({**EVENT, "PhysicalResourceId": "kept"}, None)["PhysicalResourceId"] == "kept"
    assert time.time() - 5 < first["StartedAt"] <= time.time()


@pytest.mark.parametrize("kind", ["Create", "Delete"])
def test_create_and_delete_call_nothing(kind: str) -> None:
    event = {**request(kind), **handler.on_event(request(kind), None)}
    assert handler.is_complete(event, None) == {"IsComplete": True, "Data": {"DeploymentId": ""}}


def test_an_update_until_traffic_has_shifted(world: World) -> None:
    event = {**EVENT, **handler.on_event(EVENT, None)}
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"))
    assert handler.is_complete(event, None) == {"IsComplete": False}
    world.look("d-NEW1", NEW, "InProgress").targets("d-NEW1", SHIFTED)
    assert handler.is_complete(event, None) == {"IsComplete": True, "Data": {"DeploymentId": "d-NEW1"}}


@pytest.mark.parametrize("code", ["ThrottlingException", "Throttling", "RequestLimitExceeded", "ServerException"])
def test_throttled_polling_looks_again(world: World, code: str) -> None:
    world.stack().fails("codedeploy", "get_deployment_group", code)
    assert handler.is_complete(EVENT, None) == {"IsComplete": False}


@pytest.mark.parametrize("error", [ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError])
def test_a_lost_connection_looks_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[BotoCoreError]
) -> None:
    def lost(**_: object) -> None:
        raise error(endpoint_url="https://codedeploy", error="lost")

    monkeypatch.setattr(world.clients.cloudformation, "describe_stacks", lost)
    assert handler.is_complete(EVENT, None) == {"IsComplete": False}


@pytest.mark.parametrize(
    "status",
    [
        "UPDATE_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS",
        "UPDATE_FAILED",
    ],
)
def test_an_event_that_comes_again_when_its_update_is_over_does_nothing(world: World, status: str) -> None:
    world.stack(status)
    with pytest.raises(
        RefusedError, match=f"Nothing is done for shop:12: the stack is {status}, so this update of it is over"
    ):
        handler.is_complete(EVENT, None)


def test_a_fault_on_awss_side_passes_whatever_its_code() -> None:
    for status, passes in ((503, True), (400, False)):
        answer: Any = {"Error": {"Code": "Strange"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        assert is_passing(ClientError(answer, "DescribeServices")) is passes


def test_aws_that_never_answers_is_named_before_the_framework_gives_up(world: World) -> None:
    assert DEADLINE_S < GIVE_UP_S < 50 * 60
    request = Request.of(EVENT)
    world.stack().fails("codedeploy", "get_deployment_group", "ThrottlingException", "Rate exceeded")
    assert reconcile(request, world.clients, now=lambda: request.started_at + DEADLINE_S + 1) is None
    world.stack().fails("codedeploy", "get_deployment_group", "ThrottlingException", "Rate exceeded")
    with pytest.raises(UnreachableError, match=r"did not answer until the time was over.*Rate exceeded"):
        reconcile(request, world.clients, now=lambda: request.started_at + GIVE_UP_S + 1)


def test_another_error_of_aws_fails_the_update(world: World) -> None:
    world.stack().fails("codedeploy", "get_deployment_group", "DeploymentGroupDoesNotExistException", "No such group")
    with pytest.raises(ClientError, match="No such group"):
        handler.is_complete(EVENT, None)
