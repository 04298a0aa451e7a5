"""The example's assemblies, synthesized once for all rehearsals."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "service" / "rehearsal.toml"


def synthesize(app: Path, release: str, out: Path) -> Path:
    """Synthesizes a release of the app in a folder, as the cdk command line would, but without the Lambda's dependencies."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {
        "release": release,
        "aws:cdk:bundling-stacks": [],
    }
    environment = os.environ | {"CDK_OUTDIR": str(out), "CDK_CONTEXT_JSON": json.dumps(context)}
    subprocess.run([sys.executable, "app.py"], cwd=app, env=environment, check=True, capture_output=True, text=True)
    return out


@pytest.fixture(scope="session")
def blue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of v1."""
    return synthesize(ROOT, "v1", tmp_path_factory.mktemp("v1"))


@pytest.fixture(scope="session")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of v2."""
    return synthesize(ROOT, "v2", tmp_path_factory.mktemp("v2"))


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
