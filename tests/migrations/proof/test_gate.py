"""The gate at deploy time, with the example service's own queries and the roles that the first migration makes."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from seachange_migrations.check.gate import LEAST_S, gate
from seachange_migrations.errors import BreaksReleaseError
from seachange_migrations.migrate import migrate
from seachange_migrations.report import silent
from seachange_migrations.roles import ensure_roles, protect_version_table
from tests.migrations.databases import Database
from tests.migrations.proof.services import EXAMPLE, ROOT, scratches

sys.path.insert(0, str(ROOT / "service"))

from customers.addresses import Address
from customers.releases import RELEASES
from customers.store import Customers


@pytest.fixture
def shop(database: Database) -> Database:
    """The example's database at release v1, which has served."""
    with database.connect() as connection:
        connection.execute(f"GRANT pg_read_all_stats TO {database.master.user} WITH ADMIN OPTION".encode())
        connection.execute("CREATE EXTENSION pg_stat_statements")
    ensure_roles(database.master, database.owner, database.application, silent)
    report = migrate(database.owner, EXAMPLE, target="0001")
    protect_version_table(database.owner, database.application, report.version_table)
    serve(database)
    return database


def serve(database: Database) -> None:
    """Executes what release v1 executes."""
    dsn = database.server.dsn(database.name, user=database.application.user, password=database.application.password)
    with ConnectionPool(dsn, min_size=1, max_size=1, kwargs={"autocommit": True, "sslmode": "disable"}) as pool:
        customers = Customers(pool, RELEASES["v1"])
        made = [
            customers.create(
                {
                    "name": "Ann",
                    "email": f"{number}@example.com",
                    "address": Address("1 Main St", "Springfield", "IL", "62701"),
                }
            )
            for number in range(150)
        ]
        customers.get(made[0].id)
        customers.page(0, 10)
        customers.update(made[0].id, {"name": "Bob"})
        customers.update(made[1].id, {"address": None, "email": "new@example.com"})
        customers.delete(made[2].id)


def test_the_example_expands_under_v1_and_its_contract_would_break_it(shop: Database) -> None:
    events: list[Any] = []
    arguments: dict[str, Any] = {
        "creator": shop.master,
        "service": shop.application,
        "interval_s": 0,
        "on_progress": events.append,
    }
    assert gate(shop.owner, EXAMPLE, ["0002", "0003"], **arguments)
    [proven] = [event for event in events if event["event"] == "proven"]
    assert (proven["executed"], proven["unknown"], proven["notes"]) == (6, 0, ())
    with pytest.raises(BreaksReleaseError) as refused:
        gate(shop.owner, EXAMPLE, ["0002", "0003", "0004"], **arguments)
    message = str(refused.value)
    assert message.startswith(
        "revision 0004 would break the release that serves: this statement of the serving release then fails: "
        'column "address" '
    )
    assert "contract phase" in message
    assert "example.com" not in message
    assert "\n" not in message
    assert scratches(shop) == []
    assert shop.rows("SELECT version_num FROM alembic_version") == [("0001",)]


def schema_and_rows(database: Database) -> tuple[str, Any]:
    """The schema as pg_dump writes it, and how many rows were ever written."""
    program = database.server.installation / "bin/pg_dump"
    dump = subprocess.run(
        [program, "-s", database.server.dsn(database.name)], capture_output=True, text=True, check=True
    )
    # In newer releases a token that differs each time.
    schema = "\n".join(line for line in dump.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))
    written = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup FROM pg_stat_user_tables ORDER BY 1"
    return schema, database.rows(written)


# Autovacuum comes when it likes.
LOCKS = """
SELECT DISTINCT mode FROM pg_locks JOIN pg_stat_activity AS a USING (pid)
WHERE a.backend_type = 'client backend' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND locktype = 'relation' AND pid <> pg_backend_pid()
UNION ALL SELECT 'waits' FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@contextmanager
def watched(database: Database) -> Iterator[set[str]]:
    """The modes of locks on tables of `database` meanwhile, and whether anybody waited."""
    seen, ended = set[str](), threading.Event()

    def watch() -> None:
        with database.connect() as connection:
            while not ended.wait(0.001):
                seen.update(mode for (mode,) in connection.execute(LOCKS.encode()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def test_the_real_database_is_only_read(shop: Database) -> None:
    time.sleep(1.2)  # longer than sessions keep their counts to themselves
    before = schema_and_rows(shop)
    with watched(shop) as modes, pytest.raises(BreaksReleaseError):
        gate(shop.owner, EXAMPLE, ["0002", "0003", "0004"], creator=shop.master, service=shop.application, interval_s=0)
    assert modes == {"AccessShareLock"}
    assert schema_and_rows(shop) == before


def test_a_quiet_database_keeps_nobody_waiting(shop: Database) -> None:
    started = time.monotonic()
    assert gate(shop.owner, EXAMPLE, ["0002", "0003"], creator=shop.master, service=shop.application)
    # Without the ten seconds in which it would look who still executes what breaks: nothing does.
    assert time.monotonic() - started < 9


def skipped(shop: Database, **changes: Any) -> str:
    """Why the gate let 0002 pass without a proof."""
    events: list[Any] = []
    arguments: dict[str, Any] = {"creator": shop.master, "interval_s": 0, "on_progress": events.append, **changes}
    assert gate(shop.owner, EXAMPLE, ["0002"], **arguments) is False
    assert scratches(shop) == []
    assert events[-1]["event"] == "proof_skipped"
    assert "\n" not in events[-1]["reason"]
    return str(events[-1]["reason"])


def test_it_is_skipped_where_the_role_may_not_create_a_database(shop: Database) -> None:
    assert skipped(shop, creator=None) == (
        f"role '{shop.owner.user}' may not create a scratch database: ALTER ROLE {shop.owner.user} CREATEDB"
    )


def test_it_is_skipped_where_nobody_counts_statements(shop: Database) -> None:
    shop.rows("DROP EXTENSION pg_stat_statements")
    assert "has no extension pg_stat_statements" in skipped(shop)


def test_it_is_skipped_where_the_counts_may_not_be_read(shop: Database) -> None:
    with shop.connect(shop.master) as connection:
        connection.execute(f"REVOKE pg_read_all_stats FROM {shop.owner.user}".encode())
    assert "GRANT pg_read_all_stats TO" in skipped(shop)


def test_it_is_skipped_where_nothing_was_executed(shop: Database) -> None:
    shop.rows("SELECT pg_stat_statements_reset()")
    assert skipped(shop, service=shop.application).startswith(
        "no statement of a service is known: all statements since"
    )


def test_it_is_skipped_without_time(shop: Database) -> None:
    assert skipped(shop, time_left=lambda: LEAST_S - 1) == "too little time is left of this call"


def test_it_is_skipped_once_a_revision_has_begun(shop: Database) -> None:
    with shop.connect(shop.owner) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS seachange")
        connection.execute("CREATE TABLE IF NOT EXISTS seachange.backfill (revision text, proven_at timestamptz)")
        connection.execute("DROP TABLE IF EXISTS seachange.journal")
        connection.execute("CREATE TABLE seachange.journal (revision text)")
        connection.execute("INSERT INTO seachange.journal VALUES ('0002')")
    assert skipped(shop) == "revision 0002 has begun already"


def test_it_is_skipped_soon_where_somebody_keeps_a_table_locked(shop: Database) -> None:
    started = time.monotonic()
    with shop.connect() as other, other.transaction():
        other.execute("LOCK TABLE customers")
        assert "somebody keeps a table locked" in skipped(shop, service=shop.application)
    assert time.monotonic() - started < 20
