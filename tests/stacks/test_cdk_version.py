"""Another version of the CDK moves nothing that is frozen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHER = ("aws-cdk-lib==2.270.0", "aws-cdk-cloud-assembly-schema==54.26.0")


def run(*command: object, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_another_version_of_the_cdk_moves_nothing(tmp_path: Path) -> None:
    other, out = tmp_path / "cdk", tmp_path / "out"
    uv, seachange = (Path(sys.executable).with_name(name) for name in ("uv", "seachange"))
    run(
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        sys.executable,
        "--target",
        other,
        *OTHER,
        UV_SYSTEM_CERTS="1",
    )
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"] | {
        "release": "v2",
        "aws:cdk:bundling-stacks": [],
    }
    run(sys.executable, "app.py", PYTHONPATH=str(other), CDK_OUTDIR=str(out), CDK_CONTEXT_JSON=json.dumps(context))
    version = json.loads((out / "manifest.json").read_text("utf-8"))["version"]
    assert version.startswith("54."), "the other version's schema, or it was not used"
    # It refuses, with exit code 1, what has moved; the record is a copy, for it may grow.
    record = tmp_path / "frozen.json"
    record.write_bytes((ROOT / "stacks/frozen.json").read_bytes())
    run(seachange, "freeze", "--app", out, "--record", record)
