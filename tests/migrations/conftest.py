"""A database and an Alembic directory for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.migrations.databases import AlembicDirectory, Database, made
from tests.migrations.deployments import Deployment


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A database with roles of its own."""
    with made(postgres, "shop") as found:
        yield found


@pytest.fixture
def directory(tmp_path: Path) -> AlembicDirectory:
    """An Alembic directory without revisions, whose path needs care with configuration parsers."""
    return AlembicDirectory(tmp_path / "100%" / "migrations")


@pytest.fixture
def deployment(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield Deployment(database, directory.example(), monkeypatch)
