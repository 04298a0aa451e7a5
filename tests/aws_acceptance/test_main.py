"""The program's door: what it says first, what it refuses, and how it ends."""

from pathlib import Path

import pytest

from tools.aws_acceptance import __main__ as door
from tools.aws_acceptance.announce import PRICES, announcement, minutes
from tools.aws_acceptance.aws import Aws
from tools.aws_acceptance.checks import CHECKS
from tools.aws_acceptance.consent import RefusedError, ask
from tools.aws_acceptance.dry.base import BASE
from tools.aws_acceptance.dry.rehearse import QuickClock, new_world
from tools.aws_acceptance.dry.world import ACCOUNT, REGION, AwsError, World
from tools.aws_acceptance.names import Names


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A scripted AWS in place of the caller's."""
    world = new_world(QuickClock(), lambda _: None)
    monkeypatch.setattr(door, "connect", lambda _region: (Aws(world.client), REGION))
    return world


def nobody(_prompt: str) -> str:
    raise EOFError


def test_a_dry_run_needs_neither_credentials_nor_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert door.main(["--dry-run", "--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "Dry run: nothing leaves this machine" in printed
    assert "cdk deploy seachange-try-000000 " in printed


@pytest.mark.parametrize("typed", ["", "yes", "seachange-try-000000", EOFError])
def test_without_the_typed_name_nothing_is_made(
    typed: str | type[EOFError],
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("builtins.input", nobody if typed is EOFError else lambda _prompt: typed)
    assert door.main(["--output", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert f"account {ACCOUNT} in {REGION}" in printed.out
    assert "not begun" in printed.err
    assert not world.stacks
    assert not list(tmp_path.iterdir())


def test_yes_counts_for_a_named_account_alone() -> None:
    def agree(*, yes: bool, given: str | None) -> None:
        ask("name", ACCOUNT, yes=yes, given_account=given, read=nobody)

    agree(yes=True, given=ACCOUNT)
    with pytest.raises(RefusedError, match="--yes needs --account"):
        agree(yes=True, given=None)
    with pytest.raises(RefusedError, match="the credentials belong to"):
        agree(yes=True, given="123456789013")
    with pytest.raises(RefusedError, match="not begun"):
        agree(yes=False, given=ACCOUNT)
    ask("name", ACCOUNT, yes=False, given_account=None, read=lambda _prompt: " name ")


def test_the_announcement_says_what_how_long_and_how_much() -> None:
    names = Names.new()
    said = announcement(names, ACCOUNT, REGION, CHECKS)
    for word in (ACCOUNT, REGION, *names.all, *(check.id for check in CHECKS), *(check.fact for check in CHECKS)):
        assert word in said
    hours = minutes(CHECKS) / 60
    assert f"about {hours:.1f} hours" in said
    assert f"about {sum(price.cost(hours) for price in PRICES):.2f} US dollars" in said
    assert "Prices: third parties of 2026 that quote AWS's list" in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--only", "nothing"], "there is no such check"),
        (["--destroy", "production"], "is no run's name"),
        (["--yes"], "--yes needs --account"),
        (["--yes", "--account", "1"], "the credentials belong to"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(
    arguments: list[str], problem: str, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door.main([*arguments, "--output", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("aws-acceptance: ")
    assert problem in line
    assert not world.stacks


def test_no_bootstrap_no_credentials_no_region(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = AwsError("ParameterNotFound")
    world.base = {**BASE, "ssm.GetParameter": lambda _world, _request: missing}
    assert door.main([]) == 2
    assert "run `cdk bootstrap` there first" in capsys.readouterr().err
    world.denied = True
    assert door.main([]) == 2
    assert "AWS cannot be used" in capsys.readouterr().err
    monkeypatch.undo()
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert door.main([]) == 2
    assert "region" in capsys.readouterr().err


def test_an_earlier_run_can_be_destroyed(world: World, tmp_path: Path) -> None:
    names = Names.of("seachange-try-00beef")
    world.stacks = {
        names.plain: "UPDATE_COMPLETE",
        names.database: "ROLLBACK_COMPLETE",
        "somebody-elses": "CREATE_COMPLETE",
    }
    arguments = ["--destroy", names.plain, "--yes", "--account", ACCOUNT, "--output", str(tmp_path)]
    assert door.main(arguments) == 0
    assert list(world.stacks) == ["somebody-elses"]
