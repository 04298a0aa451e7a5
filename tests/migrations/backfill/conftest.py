"""A connection in autocommit, as `autocommit_block()` gives it to an operation, and backfills to run on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from seachange_migrations.backfill import pace, work
from tests.migrations.databases import Database


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """The master's."""
    engine = create_engine(database.master.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 50 rows, so that a few hundred rows are many batches."""
    monkeypatch.setattr(pace, "FIRST_ROWS", 50)
    monkeypatch.setattr(pace, "MOST_ROWS", 50)
    monkeypatch.setattr(pace, "MOST_ROWS_READ", 50)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks before every batch whether to pause, and tells everything."""
    monkeypatch.setattr(work, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(work, "PAUSE_S", 0.05)
    monkeypatch.setattr("seachange_migrations.backfill.progress.EVERY_S", 0.0)
