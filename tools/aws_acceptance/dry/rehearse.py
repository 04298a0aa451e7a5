"""Walks through a whole run with scripted answers."""

import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.aws_acceptance.announce import announcement
from tools.aws_acceptance.aws import Aws
from tools.aws_acceptance.check import Check, Finding, Verdict
from tools.aws_acceptance.clock import Clock
from tools.aws_acceptance.consent import ask
from tools.aws_acceptance.dry.answers import NEW, OLD
from tools.aws_acceptance.dry.base import BASE
from tools.aws_acceptance.dry.scripts import script
from tools.aws_acceptance.dry.world import REGION, World
from tools.aws_acceptance.evidence import Evidence
from tools.aws_acceptance.names import Names
from tools.aws_acceptance.run import run
from tools.aws_acceptance.stage import Stage

NAMES = Names.of("seachange-try-000000")


class QuickClock:
    """A clock that nobody waits for."""

    def __init__(self) -> None:
        self._now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

    def now(self) -> datetime.datetime:
        """The time, in UTC."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Moves the hands."""
        self._now += datetime.timedelta(seconds=seconds)


def rehearse(
    checks: Sequence[Check],
    output: Path,
    *,
    verdicts: Mapping[str, Verdict] | None = None,
    say: Callable[[str], None] = print,
    world: World | None = None,
) -> int:
    """The run's exit code.

    Args:
        checks: Which.
        output: Where `dry-run/` with the evidence goes.
        verdicts: What the scripted answers lead to, check by check; confirmed by default.
        say: Tells each step.
        world: The scripted AWS; a new one by default.
    """
    clock: Clock = QuickClock() if world is None else world.clock
    world = world or new_world(clock, say)
    aws = Aws(world.client)
    account = aws.call("sts.get_caller_identity")["Account"]
    say("Dry run: nothing leaves this machine, and no answer below is AWS's.")
    say(announcement(NAMES, account, REGION, checks))
    ask(NAMES.plain, account, yes=False, given_account=None, read=lambda _prompt: NAMES.plain)
    evidence = Evidence(
        output / "dry-run", {"name": NAMES.plain, "region": REGION, "started": clock.now(), "dry_run": True}, account
    )
    aws.record = lambda call, request, answer: evidence.call(clock.now(), call, request, answer)
    stage = Stage(names=NAMES, aws=aws, cdk=world, clock=clock, say=say, fetch=lambda _url: 200)
    scripted = [_scripted(check, (verdicts or {}).get(check.id, Verdict.CONFIRMED), world) for check in checks]
    return run(stage, scripted, evidence)


def new_world(clock: Clock, say: Callable[[str], None]) -> World:
    """A scripted AWS in which CloudFormation leaves one of each kind behind."""
    return World(
        clock=clock,
        say=say,
        base=BASE,
        left={
            "ACTIVE": [OLD],
            "INACTIVE": [NEW],
            "log group": [f"/aws/lambda/{NAMES.plain}-probe"],
            "snapshot": [f"{NAMES.database}-snapshot"],
            "bucket": [f"{NAMES.plain}-logs"],
        },
    )


def _scripted(check: Check, verdict: Verdict, world: World) -> Check:
    """The check, with the world ready for it; afterwards nothing is scripted."""

    def with_script(stage: Stage) -> Finding:
        world.begin(script(check.id, verdict, world), denied=verdict is Verdict.UNKNOWN)
        try:
            return check.run(stage)
        finally:
            world.begin({})

    return dataclasses.replace(check, run=with_script)
