"""What all tests share: a real PostgreSQL server, and Node for jsii."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Chooses the Node that jsii starts, as the Makefile does, and leaves strict validation to `make synth`, which is 30 times slower."""
    if "JSII_NODE" not in os.environ:
        folder = subprocess.run(
            [ROOT / "tools/node-bin"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        os.environ["JSII_NODE"] = f"{folder}/node"
    os.environ["CDK_VALIDATION"] = "false"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; tests make databases of their own in it."""
    with tempfile.TemporaryDirectory(prefix="seachange-test-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)
        data = directory / "postgres"
        data.mkdir()
        with PostgresServer(data, logs=directory, settings={"fsync": "off"}) as server:
            yield server
