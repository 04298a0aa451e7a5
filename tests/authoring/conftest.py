"""An Alembic directory as `seachange init-migrations` makes it, and a database for it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.authoring.project import Project
from tests.migrations.databases import MASTER_PASSWORD, Database

NUMBERS = count(1)


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    found = Database(postgres, f"authored{next(NUMBERS)}")
    postgres.create_role(found.master.user, MASTER_PASSWORD, options="CREATEROLE CREATEDB")
    postgres.create_database(found.name, owner=found.master.user)
    yield found
    with found.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return Project(database, tmp_path / "100%" / "migrations")
