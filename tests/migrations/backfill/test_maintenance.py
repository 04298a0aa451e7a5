"""A backfill leaves its table to a vacuum, for as long as its patience lasts."""

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import run
from seachange_migrations.running import running
from tests.migrations.backfill.examples import doubling, items, left, own_server, session
from tests.migrations.backfill.test_pressure import Watched, with_profile
from tests.migrations.databases import Database

VACUUMS = "SELECT pid FROM pg_stat_progress_vacuum WHERE relid = 'items'::regclass"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("impatient")]


def vacuum_at_work(database: Database) -> int:
    """Waits until a vacuum works on `items`; its pid."""
    deadline = time.monotonic() + 30
    while not (found := database.rows(VACUUMS)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return int(found[0][0])


def cancelled(call: Callable[[], object]) -> None:
    """Calls, and expects that somebody cancels it."""
    with pytest.raises(Exception, match="canceling statement due to user request"):
        call()


def test_while_somebody_vacuums(database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(monkeypatch, maintenance_patience_s=0.5, wal_bytes_per_s=1e12)
    items(database, 20_000)
    database.rows("DELETE FROM items WHERE id % 3 = 0")
    watched = Watched(lambda: None)
    with database.connect(application_name="vacuum") as session:
        session.execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; SET vacuum_cost_page_miss = 1000")
        vacuum = threading.Thread(target=lambda: cancelled(lambda: session.execute("VACUUM items")))
        vacuum.start()
        pid = vacuum_at_work(database)
        with running(watched.run):
            run(connection, doubling())
        assert vacuum.is_alive(), "patience with it is bounded"
        session.cancel()
        vacuum.join()
    assert set(watched.reasons) == {f"pid {pid} (vacuum or the like) works on the table"}
    assert left(database) == 0


def test_while_autovacuum_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(monkeypatch, maintenance_patience_s=0.5, wal_bytes_per_s=1e12)
    slowly = {"autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1"}
    with own_server(autovacuum_naptime="1s", **slowly) as database:
        items(database, 20_000)
        database.rows("DELETE FROM items WHERE id % 3 = 0")
        pid = vacuum_at_work(database)
        watched = Watched(lambda: None)
        with session(database) as connection, running(watched.run):
            run(connection, doubling())
        assert vacuum_at_work(database) == pid, "it was not in its way"
        assert set(watched.reasons) == {f"pid {pid} (autovacuum worker) works on the table"}
        assert left(database) == 0
