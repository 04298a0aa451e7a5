"""Whatever happens, everything is destroyed, and what is left is named."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.aws_acceptance.check import Check, Finding, confirmed
from tools.aws_acceptance.checks import CHECKS
from tools.aws_acceptance.dry.base import BASE
from tools.aws_acceptance.dry.rehearse import NAMES, QuickClock, new_world, rehearse
from tools.aws_acceptance.dry.world import AwsError, World
from tools.aws_acceptance.stage import Stage


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def world(said: list[str]) -> World:
    return new_world(QuickClock(), said.append)


def that(run: Callable[[Stage], Finding]) -> Check:
    """A check that does this, once both stacks are there."""

    def with_stacks(stage: Stage) -> Finding:
        stage.need(stage.names.database)
        return run(stage)

    return dataclasses.replace(CHECKS[0], run=with_stacks)


def left(folder: Path) -> list[str]:
    found: list[str] = json.loads((folder / "dry-run/evidence.json").read_text("utf-8"))["left"]
    return found


def nothing_is_left(world: World) -> bool:
    return not world.stacks and not any(world.left.values())


def test_after_a_good_run(world: World, said: list[str], tmp_path: Path) -> None:
    assert rehearse([that(lambda _: confirmed("seen"))], tmp_path, say=said.append, world=world) == 0
    assert nothing_is_left(world)
    steps = "\n".join(said)
    deleted = [f"DeleteStack StackName={name}\n" for name in (NAMES.database, NAMES.plain)]
    assert steps.index(deleted[0]) < steps.index(deleted[1])  # the network goes last
    for step in (
        "ecs.DeregisterTaskDefinition",
        "ecs.DeleteTaskDefinitions",
        "logs.DeleteLogGroup",
        "s3.DeleteObject",
        "s3.DeleteBucket",
        "rds.DeleteDBSnapshot",
    ):
        assert step in steps


@pytest.mark.parametrize("error", [RuntimeError("in the middle"), KeyboardInterrupt()])
def test_after_a_failure_or_a_ctrl_c_in_the_middle(
    error: BaseException, world: World, said: list[str], tmp_path: Path
) -> None:
    def fail(_stage: Stage) -> Finding:
        raise error

    second = that(lambda _: confirmed("seen"))
    assert rehearse([that(fail), second], tmp_path, say=said.append, world=world) == 1
    assert nothing_is_left(world)
    checks = json.loads((tmp_path / "dry-run/evidence.json").read_text("utf-8"))["checks"]
    # A failure is one check's, a Ctrl-C the person's.
    assert len(checks) == (1 if isinstance(error, KeyboardInterrupt) else 2)
    assert checks[0]["verdict"] == "unknown"


def test_after_sigterm(world: World, said: list[str], tmp_path: Path) -> None:
    def end(stage: Stage) -> Finding:
        os.kill(os.getpid(), signal.SIGTERM)
        stage.clock.sleep(1)
        return confirmed("never reached")

    assert rehearse([that(end)], tmp_path, say=said.append, world=world) == 1
    assert nothing_is_left(world)
    assert "interrupted: no further checks" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_further_signal_does_not_end_the_destruction(
    number: signal.Signals, world: World, said: list[str], tmp_path: Path
) -> None:
    delete = BASE["cloudformation.DeleteStack"]

    def interrupted(world: World, request: dict[str, Any]) -> Any:
        os.kill(os.getpid(), number)
        return delete(world, request)

    world.base = {**BASE, "cloudformation.DeleteStack": interrupted}
    assert rehearse([that(lambda _: confirmed("seen"))], tmp_path, say=said.append, world=world) == 0
    assert nothing_is_left(world)
    assert any("the destruction goes on" in line for line in said)


def test_a_deployment_under_way_is_ended_first(world: World, said: list[str], tmp_path: Path) -> None:
    def leave(stage: Stage) -> Finding:
        stage.start(stage.names.plain, release="v2")
        world.stacks[stage.names.plain] = "UPDATE_IN_PROGRESS"
        raise KeyboardInterrupt

    rehearse([that(leave)], tmp_path, say=said.append, world=world)
    assert nothing_is_left(world)
    steps = "\n".join(said)
    cancelled = steps.index(f"CancelUpdateStack StackName={NAMES.plain}")
    assert cancelled < steps.index(f"DeleteStack StackName={NAMES.plain}\n", cancelled)


def test_what_cannot_be_destroyed_is_named_and_the_rest_goes(world: World, said: list[str], tmp_path: Path) -> None:
    delete = BASE["cloudformation.DeleteStack"]

    def not_the_database(world: World, request: dict[str, Any]) -> Any:
        if request["StackName"] == NAMES.database:
            return AwsError("AccessDenied", "no")
        return delete(world, request)

    world.base = {**BASE, "cloudformation.DeleteStack": not_the_database}
    assert rehearse([that(lambda _: confirmed("seen"))], tmp_path, say=said.append, world=world) == 1
    assert list(world.stacks) == [NAMES.database]
    assert not any(world.left.values())
    assert f"stack {NAMES.database}" in left(tmp_path)
    assert any(f"--destroy {NAMES.plain}" in line for line in said)


def test_a_rollback_that_failed_is_continued_without_the_service(world: World, said: list[str], tmp_path: Path) -> None:
    def stick(stage: Stage) -> Finding:
        world.stacks[stage.names.plain] = "UPDATE_ROLLBACK_FAILED"
        return confirmed("seen")

    def look(stage: Stage) -> Finding:
        return confirmed(stage.status(stage.names.plain))

    rehearse([that(stick), that(look)], tmp_path, say=said.append, world=world)
    checks = json.loads((tmp_path / "dry-run/evidence.json").read_text("utf-8"))["checks"]
    assert checks[1]["because"] == "UPDATE_ROLLBACK_COMPLETE"
    [call] = [one for one in checks[1]["evidence"] if one["call"] == "cloudformation.continue_update_rollback"]
    assert call["request"]["ResourcesToSkip"] == ["Service"]
