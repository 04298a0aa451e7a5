"""A server that restarts, a table that somebody holds, and an index build that somebody cancels: the migration gets there."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.errors import MigrationError
from seachange_migrations.migrate import migrate
from tests.migrations.databases import Database, made
from tests.servers.server import chosen, clients_environment, started
from tests.survival import shop
from tests.survival.load import Load

# The acceptance holds the table for 60 s.
HOLD_S = float(os.environ.get("SEACHANGE_HOLD_S", "5"))
# A writer may wait behind a lock that the migration waits for, until that gives way.
LONGEST_STALL_S = 2.0 + 1.5

BUILDING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'
"""

pytestmark = pytest.mark.slow


class Migration(threading.Thread):
    """A migration in a thread; `events` are what it told, `error` is how it failed."""

    def __init__(self, database: Database, path: Path) -> None:
        super().__init__()
        self.events: list[Mapping[str, Any]] = []
        self.error: MigrationError | None = None
        self._database, self._path = database, path

    def run(self) -> None:
        try:
            migrate(self._database.master, self._path, on_progress=self.events.append)
        except MigrationError as error:
            self.error = error

    def told(self, event: str) -> list[Mapping[str, Any]]:
        return [found for found in self.events if found["event"] == event]

    def until(self, found: Callable[[], object]) -> None:
        """Waits until `found` finds something while this works."""
        deadline = time.monotonic() + 60
        while not found():
            assert self.is_alive(), f"it ended: {self.error!r}"
            assert time.monotonic() < deadline, self.events[-3:]
            time.sleep(0.01)

    def ends(self, within_s: float = 120) -> None:
        self.join(within_s)
        assert not self.is_alive(), self.events[-3:]


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """One that a test may stop; from here on clients connect to it, and not to the session's."""
    with started(chosen()) as server:
        for name, value in clients_environment(server).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.mark.parametrize("crash", [False, True], ids=["in good order", "crash"])
def test_the_server_restarts_in_the_middle_of_a_batch(
    undisturbed: shop.Undisturbed, own_server: PostgresServer, migrations: Path, crash: bool
) -> None:
    with made(own_server, "restarted") as database:
        shop.make_template(database, migrations)
        migration = Migration(database, migrations)
        with Load(database, restarted=True) as load:
            migration.start()
            migration.until(lambda: migration.told("backfill"))
            own_server.stop(crash=crash)
            own_server.start()
            migration.ends()
        assert migration.error is None
        assert migration.told("connection_lost")
        assert load.failures == []
        shop.verify(database, undisturbed)


def test_a_transaction_holds_the_table(
    cloned: Callable[[], Database], migrations: Path, undisturbed: shop.Undisturbed
) -> None:
    database = cloned()
    migration = Migration(database, migrations)
    with database.connect(application_name="the report") as holder, Load(database) as load:
        holder.execute("BEGIN")
        holder.execute("UPDATE customers SET visits = visits WHERE id = 1")
        begun = time.monotonic()
        migration.start()
        migration.until(lambda: time.monotonic() > begun + HOLD_S)
        assert migration.told("revision_applied") == [], "it went past a lock that is held"
        holder.execute("COMMIT")
        migration.ends()
    assert migration.error is None
    tried = migration.told("lock_timeout")
    assert tried
    # A writer of the load may hold a row's lock just then: it is named beside.
    assert any("the report" in who for who in tried[0]["blocked_by"])
    assert load.failures == []
    assert load.worst_s < LONGEST_STALL_S
    shop.verify(database, undisturbed)


@contextmanager
def old_snapshot(database: Database) -> Iterator[None]:
    """A transaction for which an index build waits."""
    with database.connect(application_name="the backup") as holder:
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM customers")
        yield
        holder.execute("COMMIT")


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_somebody_cancels_the_concurrent_index_build(
    cloned: Callable[[], Database], migrations: Path, undisturbed: shop.Undisturbed, how: str
) -> None:
    database = cloned()
    migrate(database.master, migrations, target="0003")
    migration = Migration(database, migrations)
    with Load(database) as load:
        with old_snapshot(database):
            migration.start()
            migration.until(lambda: database.rows(shop.INVALID) == [(1,)])
            assert len(database.rows(f"SELECT {how}(pid) FROM ({BUILDING}) AS building")) == 1
            migration.until(lambda: database.rows(BUILDING) == [] or migration.error)
        migration.ends()
        if migration.error is not None:
            assert "0004" in str(migration.error)
            migrate(database.master, migrations)
    assert load.failures == []
    shop.verify(database, undisturbed)
