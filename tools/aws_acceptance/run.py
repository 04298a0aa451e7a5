"""One run: its checks, then the destruction, whatever happens."""

import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.aws_acceptance.check import Check, Finding, Verdict, unknown
from tools.aws_acceptance.destroy import destroy
from tools.aws_acceptance.evidence import Evidence
from tools.aws_acceptance.settle import settle
from tools.aws_acceptance.stage import NotPossibleError, Stage

KEPT = "The Lambdas' packages stay in the CDK bootstrap's bucket, which your apps share: `cdk gc --unstable=gc` removes what none of them uses."


def run(stage: Stage, checks: Sequence[Check], evidence: Evidence) -> int:
    """Runs the checks and destroys; 0 when all are confirmed and nothing is left, else 1.

    Ctrl-C and SIGTERM end the checks, never the destruction.
    """
    findings: list[Finding] = []
    try:
        with _interruptible():
            for number, check in enumerate(checks, start=1):
                stage.say(f"[{number}/{len(checks)}] {check.id}: {check.does}")
                findings.append(_check(stage, check, evidence))
                stage.say(f"  {findings[-1].verdict}: {findings[-1].because}")
                if number < len(checks):
                    settle(stage)
    except KeyboardInterrupt:
        stage.say("interrupted: no further checks")
    finally:
        left = _destroy(stage, evidence)
    good = len(findings) == len(checks) and all(finding.verdict is Verdict.CONFIRMED for finding in findings)
    return 0 if good and not left else 1


def _check(stage: Stage, check: Check, evidence: Evidence) -> Finding:
    started = stage.clock.now()
    try:
        finding = check.run(stage)
    except NotPossibleError as error:
        finding = unknown(str(error))
    except (ClientError, BotoCoreError) as error:
        finding = unknown(f"AWS answered: {error}")
    except Exception as error:  # noqa: BLE001  an error in one check must not take the others' answers away
        evidence.call(stage.clock.now(), "an error in the check", check.id, traceback.format_exc())
        finding = unknown(f"the check itself went wrong ({error!r}); the evidence has the place")
    except KeyboardInterrupt:
        evidence.verdict(check, unknown("interrupted"), started, stage.clock.now())
        raise
    evidence.verdict(check, finding, started, stage.clock.now())
    return finding


def _destroy(stage: Stage, evidence: Evidence) -> list[str]:
    stage.say(f"destroying everything named {stage.names.plain}; this takes up to an hour and a half")
    with _uninterruptible(stage):
        left = destroy(stage)
    for one in left:
        stage.say(f"  left: {evidence.masked(one)}")
    if left:
        stage.say(f"  finish with: make aws-acceptance ARGS='--destroy {stage.names.plain}'")
    else:
        stage.say("  nothing is left")
    stage.say(f"  {KEPT}")
    evidence.close(stage.clock.now(), left)
    return left


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the checks as a Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handling({signal.SIGTERM: interrupt}):
        yield


@contextmanager
def _uninterruptible(stage: Stage) -> Iterator[None]:
    """A further Ctrl-C only says what it would leave behind."""

    def explain(_signal: int, _frame: FrameType | None) -> None:
        stage.say("  the destruction goes on; killed now, it would leave stacks behind that cost money")

    with _handling({signal.SIGTERM: explain, signal.SIGINT: explain}):
        yield


@contextmanager
def _handling(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
