"""The Provider's waiter, from the template, in an interpreter of the Amazon States Language, over the CDK's framework and our asset."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seachange.assembly import Assembly, Resource
from tests.deployments.said import EVENT, SHIFTED, lifecycle
from tests.lambdas.aws import Endpoint
from tests.lambdas.deployed import deployed, function
from tests.lambdas.emulator import emulated
from tests.lambdas.step_functions import node

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
UPDATE = {**EVENT, "ResponseURL": "https://cloudformation.example/answer", "OldResourceProperties": {}}


@dataclass(frozen=True)
class Ran:
    """What CloudFormation was told, and how often the waiter asked."""

    responses: list[str]
    polls: int

    @property
    def answer(self) -> dict[str, Any]:
        [text] = self.responses
        assert len(text.encode()) <= 4096  # more, and CloudFormation hears nothing
        answer: dict[str, Any] = json.loads(text)
        return answer


class Provider:
    """The Provider of the template: its waiter, its framework's code, and our two functions under the emulator."""

    def __init__(self, assembly: Assembly, work: Path, exit_stack: ExitStack) -> None:
        self._assembly, self._work, self._exit = assembly, work, exit_stack
        self._framework = next(
            one
            for one in assembly.of_type("AWS::Lambda::Function")
            if one.properties.get("Handler") == "framework.onEvent" and "Deployment" in one.logical_id
        )

    def definition(self) -> dict[str, Any]:
        """The waiter's, with a name for each function's ARN."""
        waiter = self._assembly.target(
            self._framework.properties["Environment"]["Variables"]["WAITER_STATE_MACHINE_ARN"], of=self._framework
        )
        assert waiter is not None
        parts = waiter.properties["DefinitionString"]["Fn::Join"][1]
        text = "".join(
            part if isinstance(part, str) else f"arn:aws:lambda:eu-west-1:123456789012:function:{number}"
            for number, part in enumerate(parts)
        )
        definition: dict[str, Any] = json.loads(text)
        return definition

    def run(self, event: dict[str, Any], aws: Endpoint, *, timeout_s: int | None = None) -> Ran:
        """Sends an event, as CloudFormation does, and waits until the waiter has ended."""
        urls = {
            "on_event": self._start("on_event", aws, None),
            "is_complete": self._start("is_complete", aws, timeout_s),
        }
        given = {
            "framework": str(self._assembly.asset(self._framework)),
            "definition": self.definition(),
            "functions": urls,
            "variables": {
                "USER_ON_EVENT_FUNCTION_ARN": "on_event",
                "USER_IS_COMPLETE_FUNCTION_ARN": "is_complete",
                "WAITER_STATE_MACHINE_ARN": "waiter",
            },
            "event": event,
        }
        done = subprocess.run(
            [node(), str(Path(__file__).with_name("waiter.cjs"))],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            env={"PATH": os.environ["PATH"]},
        )
        assert done.returncode == 0, done.stderr
        return Ran(**json.loads(done.stdout.splitlines()[-1]))

    def _start(self, name: str, aws: Endpoint, timeout_s: int | None) -> str:
        resource: Resource = function(self._assembly, f"seachange_deployments.handler.{name}")
        work = self._work / name
        work.mkdir()
        running = emulated(
            self._assembly.asset(resource),
            resource.properties["Handler"],
            work=work,
            timeout_s=timeout_s or int(resource.properties["Timeout"]),
            variables=aws.variables,
        )
        return self._exit.enter_context(running).url


@pytest.fixture
def provider(assembly: Assembly, tmp_path: Path) -> Iterator[Provider]:
    with ExitStack() as stack:
        yield Provider(assembly, tmp_path, stack)


Aws = Callable[[dict[str, Any]], Endpoint]


@pytest.fixture
def aws() -> Iterator[Aws]:
    with ExitStack() as stack:
        yield lambda answers: stack.enter_context(Endpoint(answers))


def test_the_waiter_asks_for_fifty_minutes(provider: Provider) -> None:
    [retry] = next(iter(provider.definition()["States"].values()))["Retry"]
    assert retry["IntervalSeconds"] * retry["MaxAttempts"] == 50 * 60
    assert retry["BackoffRate"] == 1


def test_it_completes_after_as_many_polls_as_the_deployment_needs(provider: Provider, aws: Aws) -> None:
    waiting = [lifecycle(name) for name in ("Install", "AllowTestTraffic", "AllowTraffic")]
    ran = provider.run(UPDATE, aws(deployed(*waiting, SHIFTED)))
    assert ran.polls == 4
    assert ran.answer["Status"] == "SUCCESS"
    assert ran.answer["Data"] == {"DeploymentId": "d-NEW1"}
    assert ran.answer["PhysicalResourceId"] == "seachange-deployment-Deployment"


def test_the_creation_of_the_stack_takes_one_poll(provider: Provider, aws: Aws) -> None:
    create = {
        name: value for name, value in UPDATE.items() if name not in ("PhysicalResourceId", "OldResourceProperties")
    }
    ran = provider.run({**create, "RequestType": "Create"}, aws({}))
    assert (ran.polls, ran.answer["Status"]) == (1, "SUCCESS")


def test_a_failed_deployment_fails_the_resource_at_once_with_its_cause(provider: Provider, aws: Aws) -> None:
    answers = deployed(
        lifecycle("AfterAllowTestTraffic", status="Failed", problem="the hook said so"),
        status="Failed",
        errorInformation={"code": "HEALTH_CONSTRAINTS", "message": "A hook failed."},
    )
    ran = provider.run(UPDATE, aws(answers))
    assert ran.polls == 1
    assert ran.answer["Status"] == "FAILED"
    assert "Deployment d-NEW1 of shop:12 failed" in ran.answer["Reason"]
    assert "HEALTH_CONSTRAINTS: A hook failed" in ran.answer["Reason"]
    assert "AfterAllowTestTraffic failed: the hook said so" in ran.answer["Reason"]


def test_a_handler_that_lambda_ends_fails_the_resource(provider: Provider, aws: Aws) -> None:
    endpoint = aws(deployed(SHIFTED))
    endpoint.delay_s = 30
    ran = provider.run(UPDATE, endpoint, timeout_s=2)
    assert ran.answer["Status"] == "FAILED"
    assert "Task timed out after 2.00 seconds" in ran.answer["Reason"]


def test_after_its_last_poll_it_says_that_the_time_is_over(provider: Provider, aws: Aws) -> None:
    ran = provider.run(UPDATE, aws(deployed(lifecycle("AllowTraffic"))))
    assert ran.polls == 201
    assert (ran.answer["Status"], ran.answer["Reason"]) == ("FAILED", "Operation timed out")


def test_a_poll_that_is_throttled_is_followed_by_another(provider: Provider, aws: Aws) -> None:
    throttled = {"__type": "ThrottlingException", "message": "slow down"}
    answers = deployed(SHIFTED)
    # botocore repeats a throttled call by itself, three times.
    answers["GetDeploymentGroup"] = [*[throttled] * 4, answers["GetDeploymentGroup"]]
    ran = provider.run(UPDATE, aws(answers))
    assert (ran.polls, ran.answer["Status"]) == (2, "SUCCESS")
