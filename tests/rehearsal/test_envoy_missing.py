"""Where no Envoy wheel exists."""

import sys
from pathlib import Path

import pytest

from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.envoy import LoadBalancer
from tests.rehearsal.targets import HEALTH


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without the wheel, and an empty folder that is its whole PATH."""
    monkeypatch.setitem(sys.modules, "envoy", None)
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


@pytest.mark.usefixtures("no_wheel")
def test_the_remedy_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StageError) as refused, LoadBalancer(tmp_path / "envoy", logs=tmp_path, health=HEALTH):
        pass
    message = str(refused.value)
    assert "\n" not in message
    for part in ("extra `rehearsal`", "Linux on x64 and arm64", "put an `envoy` of your own on PATH"):
        assert part in message


def test_an_envoy_on_path_serves(no_wheel: Path, tmp_path: Path) -> None:
    stand_in = no_wheel / "envoy"
    stand_in.write_text('#!/bin/sh\necho "$@" >&2\nexit 7\n', "utf-8")
    stand_in.chmod(0o755)
    # It is started, with our configuration; this one ends at once, which is told with what it printed.
    with (
        pytest.raises(StageError, match=r"Envoy ended with code 7: -c \S+envoy\.json"),
        LoadBalancer(tmp_path / "envoy", logs=tmp_path, health=HEALTH),
    ):
        pass
