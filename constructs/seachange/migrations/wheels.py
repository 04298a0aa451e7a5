"""Installs wheels for the Lambda's platform with pip, on any machine, without Docker."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from seachange.errors import SeaChangeError
from seachange.migrations.stripping import strip

Machine = Literal["aarch64", "x86_64"]

PYTHON = "3.13"
# Newest first: given only the oldest, pip falls back to an older psycopg without a word.
GLIBC_TAGS = ("manylinux_2_34", "manylinux_2_28", "manylinux2014")
# These differ from one installation to the next; nothing reads them in the Lambda.
INSTALLER_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


class BundleError(SeaChangeError):
    """The Lambda's asset cannot be built."""


def platforms(machine: Machine) -> list[str]:
    """The wheel platforms that the Lambda runtime takes, best first."""
    return [f"{tag}_{machine}" for tag in GLIBC_TAGS]


def install(target: Path, *, pins: Path, requirements: Path | None, machine: Machine) -> None:
    """Installs `pins`, a file with hashes, and the user's `requirements` into `target`, stripped. Raises BundleError."""
    _pip(target, ["--require-hashes", "-r", str(pins)], machine)
    if requirements is not None:
        # The user's file needs no hashes, so it is a run of its own, held to the same versions.
        with tempfile.TemporaryDirectory(prefix="seachange-") as folder:
            constraints = Path(folder) / "constraints.txt"
            versions = re.findall(r"^[A-Za-z0-9._-]+==[^\s;\\]+", pins.read_text("utf-8"), re.MULTILINE)
            constraints.write_text("\n".join(versions), "utf-8")
            _pip(target, ["--upgrade", "-r", str(requirements), "-c", str(constraints)], machine)
    shutil.rmtree(target / "bin", ignore_errors=True)
    for compiled in list(target.rglob("__pycache__")):
        shutil.rmtree(compiled)
    for note in INSTALLER_NOTES:
        for file in target.glob(f"*.dist-info/{note}"):
            file.unlink()
    strip(target)


def _pip(target: Path, arguments: Sequence[str], machine: Machine) -> None:
    if find_spec("pip") is None:
        raise BundleError(
            f"pip is missing from {sys.prefix}, and it fetches the Lambda's wheels: run `{sys.executable} -m ensurepip`"
        )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--implementation", "cp", "--python-version", PYTHON, "--only-binary=:all:"]
    command += [argument for platform in platforms(machine) for argument in ("--platform", platform)]
    environment = {"PIP_RETRIES": "1", **os.environ, "PIP_USER": "0"}
    result = subprocess.run(
        [*command, "--target", str(target), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        errors = [line.removeprefix("ERROR: ") for line in result.stderr.splitlines() if line.startswith("ERROR: ")]
        raise BundleError(
            f"the migrations Lambda's packages could not be installed for {machine}: "
            f"{' '.join(errors[-2:]) or result.stderr.strip()[-300:]}. "
            "Check the network (or pip's index and proxy) and that every package has a wheel, then synthesize again."
        )
