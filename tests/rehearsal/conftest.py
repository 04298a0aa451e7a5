"""Runs `seachange rehearse` over the example."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.assemblies import CONFIG
from tests.rehearsal.plans import plan  # noqa: F401 (a fixture)


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal left behind."""

    exit_code: int
    stdout: str
    stderr: str
    out: Path

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.out / "report.json").read_text())
        return report


Rehearse = Callable[..., Rehearsed]


def command(*options: object) -> list[str]:
    """The command line of a rehearsal."""
    return [str(Path(sys.executable).with_name("seachange")), "rehearse", *map(str, options)]


@pytest.fixture
def rehearse(blue: Path, green: Path, tmp_path: Path) -> Rehearse:
    """Runs `seachange rehearse` over the example; keyword arguments are options."""

    def run(**options: object) -> Rehearsed:
        chosen = {
            "blue": blue,
            "green": green,
            "config": CONFIG,
            "out": tmp_path / "out",
            "speed": 120,
            "rows": 5000,
        } | options
        arguments = [part for name, value in chosen.items() for part in (f"--{name}", value)]
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, timeout=280, cwd=tmp_path, check=False
        )
        return Rehearsed(done.returncode, done.stdout, done.stderr, Path(str(chosen["out"])))

    return run
