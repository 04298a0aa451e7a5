"""The CDK's command line, as the user would run it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]


class Running(Protocol):
    """A `cdk deploy` under way."""

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""

    def terminate(self) -> None:
        """Asks it to end; what it asked of CloudFormation goes on."""


class Cdk(Protocol):
    """Starts deployments of the throwaway app."""

    def start(self, stack: str, context: Mapping[str, str], tags: Mapping[str, str]) -> Running:
        """Starts `cdk deploy` of one stack."""


class CommandLine:
    """node_modules/.bin/cdk; what each deployment prints goes into a file of its own."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._count = 0

    def start(self, stack: str, context: Mapping[str, str], tags: Mapping[str, str]) -> Running:
        """Starts `cdk deploy` of one stack."""
        self._count += 1
        with (self._folder / f"cdk-{self._count:02}-{stack}.log").open("wb") as log:
            return subprocess.Popen(
                command(stack, context, tags, output=self._folder / "cdk.out"),
                cwd=ROOT,
                env=os.environ | {"AWS_REGION": self._region, "AWS_DEFAULT_REGION": self._region},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C is ours alone: we stop what must be stopped, and in order.
                start_new_session=True,
            )


def command(stack: str, context: Mapping[str, str], tags: Mapping[str, str], *, output: Path) -> list[str]:
    """The command for one deployment; `--exclusively`, for the order is ours."""
    return [
        str(ROOT / "node_modules/.bin/cdk"),
        "deploy",
        stack,
        "--exclusively",
        "--require-approval=never",
        "--no-notices",
        "--progress=events",
        f"--app={sys.executable} -m tools.aws_acceptance.throwaway",
        f"--output={output}",
        *(f"--context={name}={value}" for name, value in context.items()),
        *(f"--tags={name}={value}" for name, value in tags.items()),
    ]
