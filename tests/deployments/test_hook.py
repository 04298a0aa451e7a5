"""The smoke test's hook: real requests to a server on loopback, both AWS clients behind botocore's Stubber."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange_deployments import hook
from seachange_deployments.smoke import ANSWER_S
from tests.deployments.hooked import BALANCER, DESCRIBED, EVENT, VARIABLES, Aws, Context
from tests.deployments.shop import CREATE, DELETE, READ, Api, serving


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    made = Aws().connect(monkeypatch)
    yield made
    made.settled()


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as server:
        yield server


Packed = Callable[..., None]


@pytest.fixture
def packed(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packed:
    """Packs steps as the construct does, with the variables that it sets."""
    for name, value in {
        **VARIABLES,
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "SMOKE_PORT": str(api.server_port),
        "SMOKE_HOST": "shop.example",
    }.items():
        monkeypatch.setenv(name, value)

    def pack(*steps: dict[str, Any]) -> None:
        (tmp_path / "smoke.json").write_text(json.dumps(steps))

    return pack


def test_it_passes_twice_in_a_row(aws: Aws, api: Api, packed: Packed, caplog: pytest.LogCaptureFixture) -> None:
    packed(CREATE, READ, DELETE)
    caplog.set_level(logging.INFO)
    for _ in range(2):
        aws.has_nodes("127.0.0.1").is_answered("Succeeded")
        assert hook.handler(EVENT, Context()) == {"Status": "Succeeded"}
    assert api.customers == {}
    assert {headers["host"] for _, _, headers in api.seen} == {"shop.example"}
    assert caplog.messages.count("Smoke test of deployment d-ABCDEF123 passed") == 2


def test_a_failing_step_fails_the_deployment_and_is_named_in_the_log(
    aws: Aws, api: Api, packed: Packed, caplog: pytest.LogCaptureFixture
) -> None:
    packed(CREATE, {**READ, "check": {"address.city": "Paris"}}, DELETE)
    aws.has_nodes("127.0.0.1").is_answered("Failed")
    assert hook.handler(EVENT, Context()) == {"Status": "Failed"}
    assert api.customers == {}
    assert (
        'Smoke test of deployment d-ABCDEF123 failed: step \'read\': address.city is "Los Angeles" instead of "Paris"'
    ) in caplog.messages


def test_the_next_node_is_asked_when_one_does_not_connect(aws: Aws, packed: Packed) -> None:
    packed(CREATE, DELETE)
    aws.has_nodes("127.0.0.1", "127.0.0.0").is_answered("Succeeded")
    assert hook.handler(EVENT, Context()) == {"Status": "Succeeded"}


def test_every_page_of_the_network_interfaces_is_read(aws: Aws, packed: Packed) -> None:
    packed(CREATE, DELETE)
    page = {"NetworkInterfaces": [], "NextToken": "more"}
    aws.stubs["ec2"].add_response("describe_network_interfaces", page, DESCRIBED)
    found = {"NetworkInterfaces": [{"PrivateIpAddress": "127.0.0.1"}]}
    aws.stubs["ec2"].add_response("describe_network_interfaces", found, {**DESCRIBED, "NextToken": "more"})
    aws.is_answered("Succeeded")
    assert hook.handler(EVENT, Context()) == {"Status": "Succeeded"}


def test_a_load_balancer_without_nodes(aws: Aws, packed: Packed, caplog: pytest.LogCaptureFixture) -> None:
    packed(CREATE)
    aws.has_nodes().is_answered("Failed")
    assert hook.handler(EVENT, Context()) == {"Status": "Failed"}
    assert f"Load balancer {BALANCER} has no network interface in use" in caplog.text


def test_steps_that_are_not_there(aws: Aws, packed: Packed, caplog: pytest.LogCaptureFixture) -> None:
    assert packed  # its variables, but no steps
    aws.is_answered("Failed")
    assert hook.handler(EVENT, Context()) == {"Status": "Failed"}
    assert "failed: it could not be run: InvalidInputError: " in caplog.text
    assert "smoke.json holds no smoke steps" in caplog.text


def test_a_fault_in_the_code_itself(
    aws: Aws, packed: Packed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    packed(CREATE)
    monkeypatch.setenv("SMOKE_PORT", "none")
    aws.has_nodes("127.0.0.1").is_answered("Failed")
    assert hook.handler(EVENT, Context()) == {"Status": "Failed"}
    assert "it could not be run: ValueError" in caplog.text


def test_without_permission_to_find_the_nodes(aws: Aws, packed: Packed, caplog: pytest.LogCaptureFixture) -> None:
    packed(CREATE)
    aws.stubs["ec2"].add_client_error("describe_network_interfaces", "UnauthorizedOperation")
    aws.is_answered("Failed")
    assert hook.handler(EVENT, Context()) == {"Status": "Failed"}
    assert "UnauthorizedOperation" in caplog.text


def test_an_event_that_comes_again_after_its_answer(aws: Aws, packed: Packed, caplog: pytest.LogCaptureFixture) -> None:
    packed(CREATE, DELETE)
    aws.has_nodes("127.0.0.1").is_answered("Succeeded", error="LifecycleEventAlreadyCompletedException")
    assert hook.handler(EVENT, Context()) == {"Status": "Succeeded"}
    assert "had an answer already" in caplog.text


def test_an_answer_that_did_not_arrive_is_an_error_so_that_lambda_tries_again(aws: Aws, packed: Packed) -> None:
    packed(CREATE, DELETE)
    aws.has_nodes("127.0.0.1").is_answered("Succeeded", error="ThrottlingException")
    with pytest.raises(aws.clients["codedeploy"].exceptions.ClientError, match="Throttling"):
        hook.handler(EVENT, Context())


def test_it_stops_before_the_lambdas_time_is_over_and_cleans_up(
    aws: Aws, api: Api, packed: Packed, caplog: pytest.LogCaptureFixture
) -> None:
    packed(CREATE, {"name": "slow", "path": "/trickle"}, DELETE)
    aws.has_nodes("127.0.0.1").is_answered("Failed")
    assert hook.handler(EVENT, Context(ANSWER_S + 1)) == {"Status": "Failed"}
    assert "step 'slow': no answer from 127.0.0.1" in caplog.text
    assert api.customers == {}


def test_no_request_is_sent_without_time_for_it(aws: Aws, api: Api, packed: Packed) -> None:
    packed(CREATE, DELETE)
    aws.has_nodes("127.0.0.1").is_answered("Failed")
    assert hook.handler(EVENT, Context(5)) == {"Status": "Failed"}
    assert api.seen == []
