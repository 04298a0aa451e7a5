"""A service of somebody else's, in another framework, with an Alembic history and a CDK app of its own: `foreign/`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.assemblies import synthesize

from .conftest import command

FOREIGN = Path(__file__).with_name("foreign")

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_it_is_rehearsed_and_loses_nothing(tmp_path: Path) -> None:
    blue, green = (synthesize(FOREIGN, release, tmp_path / f"release-{release}") for release in ("1", "2"))
    out = tmp_path / "out"
    options = ["--blue", blue, "--green", green, "--config", FOREIGN, "--out", out, "--speed", "240", "--rows", "5000"]
    done = subprocess.run(command(*options), capture_output=True, text=True, timeout=280, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((out / "report.json").read_text())
    assert report["verdict"] == "pass"
    assert report["requests"]["failed"] == 0
    assert min(report["requests"]["by_colour"].values()) > 100
    assert report["migration"]["revisions"] == ["p2", "p3"]
    assert report["migration"]["rows_backfilled"] > 4000
    assert report["data"]["rows_checked"] > 5000
    assert report["data"]["divergent"] == 0
    assert [step["green_weight"] for step in report["shift"]["steps"]] == [25, 100]
    # Each release ran its own code: only the second one knows grams.
    assert [step["problem"] for step in report["smoke"]] == [None, None, None]
    # What the file gives a value for is not left out; nothing speaks of another service.
    assert not [entry for entry in report["not_rehearsed"] if "SCANS_TOPIC" in entry]
    assert "customers" not in (out / "report.json").read_text() + (out / "report.html").read_text()
