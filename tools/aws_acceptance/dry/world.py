"""A scripted AWS. It knows the stacks; everything else it answers from the script of the check under way, or from the base."""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import OperationModel
from botocore.response import StreamingBody

from tools.aws_acceptance.cdk import ROOT, Running, command
from tools.aws_acceptance.clock import Clock
from tools.aws_acceptance.dry.shapes import WrongShapeError, check_answer, check_enums

REGION = "eu-west-1"
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class AwsError:
    """An error instead of an answer."""

    code: str
    message: str = "scripted"


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """How a `cdk deploy` ends: its exit code, the stack's status, and the update's events, the oldest first."""

    code: int = 0
    status: str = "UPDATE_COMPLETE"
    events: tuple[dict[str, Any], ...] = ()


Answer = dict[str, Any] | AwsError
# An operation's answers in turn, the last of them again and again; `cdk` has the end of a deployment.
Script = Mapping[str, list[Any]]


@dataclass(kw_only=True)
class World:
    """What there is.

    Attributes:
        base: What is answered without a script: operation → a function of this world and the request.
        stacks: Status by name.
        events: Each stack's, the newest first.
        left: What CloudFormation leaves behind, by kind.
        script: Of the check under way.
        denied: Whether AWS denies everything.
    """

    clock: Clock
    say: Callable[[str], None]
    base: Mapping[str, Callable[["World", dict[str, Any]], Answer]]
    stacks: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    script: Script = field(default_factory=dict)
    denied: bool = False
    _given: dict[str, int] = field(default_factory=dict)
    _said: str = ""

    def begin(self, script: Script, *, denied: bool = False) -> None:
        """A check begins, or ends, with no script."""
        self.script, self.denied, self._given = script, denied, {}

    def client(self, service: str) -> Any:
        """A boto3 client whose requests never leave this process."""
        make: Any = boto3.client  # its stubs know services by literal names alone
        client = make(service, region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none")
        requests: list[dict[str, Any]] = []

        def request(params: dict[str, Any], model: OperationModel, **_: Any) -> None:
            check_enums(model.input_shape, params, model.name)
            requests.append(params)

        def answer(model: OperationModel, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
            return self._answer(model, requests.pop())

        client.meta.events.register("before-parameter-build.*.*", request)
        client.meta.events.register("before-call.*.*", answer)
        return client

    def start(self, stack: str, context: Mapping[str, str], tags: Mapping[str, str]) -> Running:
        """A `cdk deploy` that is only said; it ends at the second look."""
        words = command(stack, context, tags, output=ROOT / "build/aws-acceptance/cdk.out")
        self._tell(
            " ".join(["cdk", *words[1:3], *(word for word in words if word.startswith(("--context", "--tags")))])
        )
        first = stack not in self.stacks
        end = self._next("cdk") if "cdk" in self.script and not (first and not self._creates(stack)) else Deploy()
        self.stacks[stack] = "CREATE_COMPLETE" if first and end == Deploy() else end.status
        self.events[stack] = [*reversed(end.events), *self.events.get(stack, [])]
        return _Ended(end.code)

    def _creates(self, stack: str) -> bool:
        """Whether the script is about this stack's creation, rather than about its update."""
        return stack.endswith("-die")

    def _answer(self, model: OperationModel, request: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
        name = f"{model.service_model.service_name}.{model.name}"
        self._tell(f"aws {name} {_short(request)}")
        found: Answer = AwsError("AccessDeniedException") if self.denied else self._find(name, request)
        if isinstance(found, AwsError):
            error = {"Error": {"Code": found.code, "Message": found.message}, "ResponseMetadata": {}}
            return AWSResponse("", 400, HTTPHeaders(), io.BytesIO()), error
        check_answer(model, found)
        if "Payload" in found:
            payload = found["Payload"]
            found = {**found, "Payload": StreamingBody(io.BytesIO(payload), len(payload))}
        return AWSResponse("", 200, HTTPHeaders(), io.BytesIO()), {**found, "ResponseMetadata": {}}

    def _find(self, name: str, request: dict[str, Any]) -> Answer:
        if name in self.script:
            scripted: Answer = self._next(name)
            return scripted
        if name not in self.base:
            raise WrongShapeError(f"{name} has no scripted answer")
        return self.base[name](self, request)

    def _next(self, name: str) -> Any:
        answers = self.script[name]
        number = self._given.get(name, 0)
        self._given[name] = number + 1
        return answers[min(number, len(answers) - 1)]

    def _tell(self, text: str) -> None:
        """Says a step, once in a row."""
        if text != self._said:
            self.say(f"    {text}")
        self._said = text


class _Ended:
    """A deployment that has ended at the second look."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._looks = 0

    def poll(self) -> int | None:
        self._looks += 1
        return self._code if self._looks > 1 else None

    def terminate(self) -> None:
        self._looks = 1


def _short(request: dict[str, Any]) -> str:
    words: Iterable[str] = (f"{name}={value}" for name, value in request.items() if isinstance(value, (str, int)))
    return " ".join(words)[:160]
