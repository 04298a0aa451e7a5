"""A database and an Alembic directory for each test."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from moto import mock_aws

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.migrations.databases import MASTER_PASSWORD, AlembicDirectory, Database
from tests.migrations.deployments import Deployment

NUMBERS = count(1)


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A database with roles of its own."""
    found = Database(postgres, f"shop{next(NUMBERS)}")
    postgres.create_role(found.master.user, MASTER_PASSWORD, options="CREATEROLE CREATEDB")
    postgres.create_database(found.name, owner=found.master.user)
    yield found
    with found.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


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
