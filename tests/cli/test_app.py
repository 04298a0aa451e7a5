"""`seachange` itself: its version, and the list of its commands."""

from importlib.metadata import version

import pytest

from tests.cli.running import Commands


def test_version(seachange: Commands) -> None:
    ran = seachange("--version")
    assert (ran.code, ran.out) == (0, f"seachange {version('seachange')}\n")


@pytest.mark.parametrize("command", [(), ("repair",)])
def test_the_list_of_commands_is_whole_on_a_narrow_terminal(
    seachange: Commands, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = seachange(*command, "--help").out.partition("Commands:\n")[2].splitlines()
    assert len(listed) >= 3
    assert all(line.endswith(".") and "..." not in line for line in listed), listed


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_rehearsals_port_is_one(seachange: Commands, port: str) -> None:
    ran = seachange("rehearse", "--blue", "cdk.out", "--port", port)
    assert ran.code == 2
    assert "Invalid value for '--port'" in ran.err
