"""A database with the schema of the cases."""

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.migrations.check.cases import SCHEMA

NUMBERS = count(1)
TEMPLATE = "check_cases"


@pytest.fixture(scope="session")
def cases_template(postgres: PostgresServer) -> str:
    postgres.create_database(TEMPLATE)
    with psycopg.connect(postgres.dsn(TEMPLATE), autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
    return TEMPLATE


@pytest.fixture
def own_database(postgres: PostgresServer, cases_template: str) -> Iterator[psycopg.Connection]:
    """A copy, in which a test may commit."""
    name = f"check{next(NUMBERS)}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {cases_template}".encode())
        with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
            yield connection
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
