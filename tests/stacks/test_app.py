"""app.py on bad input: one clear line, exit 2, no stack trace."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import app
from seachange import InvalidArgumentError
from stacks import settings

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN_RELEASE = "app.py: -c release cannot be 'v3': give one of: v1, v2"


@pytest.mark.parametrize(
    ("context", "line"),
    [
        ({"release": "v3"}, UNKNOWN_RELEASE),
        ({"release": ""}, "app.py: -c release cannot be '': give one of: v1, v2"),
        ({"environment": "moon"}, "app.py: -c environment cannot be 'moon': give one of: dev, prod"),
    ],
)
def test_an_unknown_context_value_is_one_line(
    context: dict[str, str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(context) == 2
    assert capsys.readouterr() == ("", line + "\n")


@pytest.mark.slow
def test_the_process_says_nothing_else() -> None:
    environment = {**os.environ, "CDK_CONTEXT_JSON": json.dumps({"release": "v3"})}
    answer = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (2, "", UNKNOWN_RELEASE + "\n")


def test_the_settings_are_closed() -> None:
    assert settings.environment("dev").service_stack == "customers-dev"
    assert settings.release("v2").migrations_target == "expand@head"
    with pytest.raises(InvalidArgumentError, match="v1, v2"):
        settings.release("v0")
