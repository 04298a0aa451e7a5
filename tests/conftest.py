"""What all tests share: a real PostgreSQL server, and Node for jsii."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.assemblies import blue, green  # noqa: F401 (fixtures)
from tests.servers.server import chosen, clients_environment, started

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Chooses the Node that jsii starts, as the Makefile does, and leaves strict validation to `make synth`, which is 30 times slower."""
    if "JSII_NODE" not in os.environ:
        folder = subprocess.run(
            [ROOT / "tools/node-bin"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.strip()
        os.environ["JSII_NODE"] = f"{folder}/node"
    os.environ["CDK_VALIDATION"] = "false"
    # A shell's background job ignores it, and so would every process that a test starts and interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; tests make databases of their own in it.

    SEACHANGE_POSTGRES=15, 16, 17 or 18 chooses that version, with TLS; the rehearsal's own server, without, by default.
    """
    with started(chosen()) as server:
        yield server


@pytest.fixture(scope="session")
def without_tls(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server without TLS; `postgres` itself, where that has none."""
    if postgres.tls == PostgresServer.tls:
        yield postgres
    else:
        with started() as server:
            yield server


@pytest.fixture
def as_the_server_asks(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that say nothing of TLS connect to `postgres` as it asks: verifying its certificate, or without."""
    for name, value in clients_environment(postgres).items():
        monkeypatch.setenv(name, value)
