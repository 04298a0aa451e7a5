"""An Alembic directory as `seachange init-migrations` makes it, and a database for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.authoring.project import Project
from tests.migrations.databases import Database, made


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """A database with roles of its own."""
    with made(postgres, "authored") as found:
        yield found


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return Project(database, tmp_path / "100%" / "migrations")
