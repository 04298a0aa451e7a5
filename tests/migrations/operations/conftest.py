"""A shop for each test of operations."""

import pytest

from tests.migrations.databases import Database
from tests.migrations.sync.shop import Shop


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)
