"""A shop for each test of syncs, or one for all tests of a module that each keep to a schema of their own."""

from collections.abc import Iterator
from itertools import count

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.migrations.databases import Database, made
from tests.migrations.sync.shop import Shop

NUMBERS = count(1)


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


@pytest.fixture(scope="module")
def mall(postgres: PostgresServer) -> Iterator[Shop]:
    """A database for a whole module."""
    with made(postgres, "mall") as found:
        yield Shop(found)


@pytest.fixture
def schema(mall: Shop) -> str:
    """A schema of the mall for one test."""
    name = f"s{next(NUMBERS)}"
    mall.make(f"CREATE SCHEMA {name}")
    return name
