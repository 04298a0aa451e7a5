"""Smoke tests: runs HTTP steps against one release, for the hook before traffic shifts and for the rehearsal."""

import http.client
import json
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from seachange_deployments.server import Server
from seachange_deployments.steps import PLACEHOLDER, UNIQUE, Step, steps_from

__all__ = ["SmokeReport", "Step", "StepResult", "run", "steps_from"]

# Every request carries it, so that the service and its logs can tell these requests from a customer's.
SYNTHETIC = {"x-seachange-synthetic": "1"}
# What the hook keeps back of its time for its answer to CodeDeploy, lost calls and their repetition included.
ANSWER_S = 30.0
_LONGEST_CLEAN_UP_S = 30.0
_LEFT_OUT = "not run: an earlier step failed"


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What came of one step; `status` is None without an answer, `problem` is None when all was as expected."""

    name: str
    status: int | None
    duration_ms: float
    problem: str | None


@dataclass(frozen=True, kw_only=True)
class SmokeReport:
    """Whether every step was as expected, and each step's result in order."""

    passed: bool
    steps: tuple[StepResult, ...]

    @property
    def failure(self) -> str | None:
        """The failed steps with their problems in one text; None when all passed."""
        failed = [step for step in self.steps if step.problem not in (None, _LEFT_OUT)]
        return "; ".join(f"step {step.name!r}: {step.problem}" for step in failed) or None


class _StepProblem(Exception):  # noqa: N818 - never leaves this module
    """An answer, or the want of one, that fails the step."""


def run(
    steps: Sequence[Step],
    addresses: Sequence[str],
    port: int,
    *,
    tls: bool = False,
    server_name: str | None = None,
    header: Mapping[str, str] = SYNTHETIC,
    timeout_s: float = 10,
    limit_s: float = 840,
) -> SmokeReport:
    """Runs the steps in order against `port` of one of the addresses, and never raises for what the server does.

    An address that does not connect gives way to the next one; a request that was sent is never sent again.
    `server_name` is sent as Host, and over TLS as SNI, where the certificate must match it; by default both name
    the address. `header` marks every request as synthetic. `timeout_s` seconds is what one request may take, and
    `limit_s` the whole run: its last quarter, half a minute at most, belongs to the steps that always run. After a
    failed step only those are run. Redirects are not followed.
    """
    deadline = time.monotonic() + limit_s
    kept_s = min(_LONGEST_CLEAN_UP_S, limit_s / 4) if any(step.always for step in steps) else 0.0
    server = Server(addresses=list(addresses), port=port, tls=tls, server_name=server_name)
    values: dict[str, Any] = {UNIQUE: uuid.uuid4().hex[:12]}
    results: list[StepResult] = []
    failed = False
    for step in steps:
        if step.always and step.placeholders() - values.keys():
            continue
        left_s = deadline - time.monotonic() - (0.0 if step.always else kept_s)
        if failed and not step.always:
            result = _not_run(step, _LEFT_OUT)
        elif left_s <= 0:
            result = _not_run(step, f"not run: the {limit_s:.3g} s for all steps are over")
        else:
            result = _run_step(step, server, header, values, min(timeout_s, left_s))
        failed = failed or result.problem is not None
        results.append(result)
    return SmokeReport(passed=not failed, steps=tuple(results))


def _not_run(step: Step, problem: str) -> StepResult:
    return StepResult(name=step.name, status=None, duration_ms=0, problem=problem)


def _run_step(
    step: Step, server: Server, header: Mapping[str, str], values: dict[str, Any], timeout_s: float
) -> StepResult:
    started = time.monotonic()
    status, problem = None, None
    try:
        status, answer = _ask(step, server, header, values, timeout_s)
        if status not in step.expect:
            expected = " or ".join(map(str, step.expect))
            raise _StepProblem(f"status {status} instead of {expected}: {answer[:200].decode(errors='replace')}")
        if step.capture or step.check:
            _compare(step, answer, values)
    except _StepProblem as error:
        problem = str(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        problem = f"no answer from {server.address}:{server.port}: {error or type(error).__name__}"
    duration_ms = round((time.monotonic() - started) * 1000, 1)
    return StepResult(name=step.name, status=status, duration_ms=duration_ms, problem=problem)


def _ask(
    step: Step, server: Server, header: Mapping[str, str], values: Mapping[str, Any], timeout_s: float
) -> tuple[int, bytes]:
    headers = {**header, **{name: str(_filled(text, values)) for name, text in step.headers.items()}}
    body = _filled(step.body, values)
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    path = _filled_text(step.path, values, lambda value: urllib.parse.quote(str(value), safe=""))
    content = body.encode() if body is not None else None
    return server.ask(step.method, path, content, headers, timeout_s=timeout_s)


def _compare(step: Step, answer: bytes, values: dict[str, Any]) -> None:
    """Checks the answer, then captures from it into `values`."""
    try:
        document = json.loads(answer)
    except ValueError as error:
        raise _StepProblem(f"the answer is not JSON: {answer[:200].decode(errors='replace')}") from error
    # Captured before the checks: what was made must be cleaned up even if a check fails.
    found = {name: _search(expression, document) for name, expression in step.capture.items()}
    values.update({name: value for name, value in found.items() if value is not None})
    for name in found.keys() - values.keys():
        raise _StepProblem(f"nothing to capture for {name} at {step.capture[name]}")
    for expression, expected in step.check.items():
        actual, wanted = _search(expression, document), _filled(expected, values)
        if actual != wanted:
            raise _StepProblem(f"{expression} is {json.dumps(actual)} instead of {json.dumps(wanted)}")


def _search(expression: str, document: Any) -> Any:
    try:
        return jmespath.search(expression, document)
    except JMESPathError as error:
        raise _StepProblem(f"{expression} does not fit the answer: {error}") from error


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """The value with its placeholders replaced, in depth; a text that is only a placeholder takes the value's type."""
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        return _value(whole.group(1), values) if whole else _filled_text(value, values, str)
    if isinstance(value, Mapping):
        return {_filled_text(key, values, str): _filled(inner, values) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(inner, values) for inner in value]
    return value


def _filled_text(text: str, values: Mapping[str, Any], shape: Callable[[Any], str]) -> str:
    return PLACEHOLDER.sub(lambda match: shape(_value(match.group(1), values)), text)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise _StepProblem(f"{{{{{name}}}}} is unknown: no step has captured it")
    return values[name]
