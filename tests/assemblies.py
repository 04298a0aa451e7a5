"""The example's assemblies, synthesized once for all tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
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
