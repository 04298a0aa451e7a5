"""Indexes that are built concurrently: what a failed, canceled or killed build leaves is found and rebuilt."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from seachange_migrations.errors import MigrationError, OutOfTimeError, RevisionFailedError
from seachange_migrations.migrate import migrate
from seachange_migrations.running import TimeLeft
from seachange_migrations.statements import TIDY_S
from tests.migrations.databases import AlembicDirectory, Database

CREATE = "CREATE INDEX CONCURRENTLY by_name ON customers (name)"


@pytest.fixture(autouse=True)
def customers(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE customers AS SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'a'")
    migrate(database.master, directory.path)


def concurrently(directory: AlembicDirectory, *statements: str, before: str = "pass", after: str = "pass") -> None:
    lines = [f"    op.execute({statement!r})" for statement in statements]
    body = "\n".join([before, "with op.get_context().autocommit_block():", *lines, after])
    directory.revision("0002", "0001", body=body, phase="expand")


def indexes(database: Database, table: str = "customers") -> dict[str, bool]:
    """The indexes of a table, and whether they are valid."""
    query = f"SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = '{table}'::regclass"
    return dict(database.rows(query))


def make_invalid(database: Database, *names: str) -> None:
    """As a canceled build leaves it."""
    for name in names:
        database.rows(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")


@contextmanager
def open_writer(database: Database) -> Iterator[psycopg.Connection]:
    """A transaction that a concurrent build must wait for."""
    with database.connect(application_name="writer") as other:
        other.execute("BEGIN")
        other.execute("UPDATE customers SET name = name WHERE id = 1")
        yield other
        other.rollback()


def when_building(database: Database, action: str) -> threading.Thread:
    """Does `action`, a function of the server for a pid, to the session that builds, once it does."""

    def act() -> None:
        deadline = time.monotonic() + 20
        query = f"SELECT {action}(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND wait_event_type = 'Lock'"
        while not database.rows(query) and time.monotonic() < deadline:
            time.sleep(0.05)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "statement",
    [
        CREATE,
        CREATE.replace("by_name", "IF NOT EXISTS by_name"),
        'CREATE INDEX CONCURRENTLY "by_name" ON public . "customers" (name)',
        "/* of the list */ CREATE INDEX CONCURRENTLY By_Name ON Customers (name)",
    ],
)
def test_an_invalid_index_is_rebuilt(database: Database, directory: AlembicDirectory, statement: str) -> None:
    database.rows("CREATE INDEX by_name ON customers (name)")
    database.rows(f"ALTER TABLE customers OWNER TO {database.master.user}")
    make_invalid(database, "by_name")
    concurrently(directory, statement)
    assert migrate(database.master, directory.path).after == ("0002",)
    assert indexes(database) == {"by_name": True}


def test_what_reindex_left_is_dropped(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE INDEX by_name ON customers (name)")
    database.rows("CREATE INDEX by_name_ccnew ON customers (name); CREATE INDEX by_name_ccold1 ON customers (name)")
    make_invalid(database, "by_name_ccnew", "by_name_ccold1")
    concurrently(directory, "REINDEX INDEX CONCURRENTLY by_name")
    migrate(database.master, directory.path)
    assert indexes(database) == {"by_name": True}


def test_other_invalid_indexes_are_left(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE INDEX other ON customers (name); CREATE INDEX by_name_ccnew ON customers (name)")
    database.rows("CREATE TABLE orders (id int); CREATE INDEX name ON orders (id)")
    database.rows(f"ALTER TABLE orders OWNER TO {database.master.user}")
    make_invalid(database, "other", "by_name_ccnew", "name")
    concurrently(directory, CREATE, "CREATE INDEX CONCURRENTLY IF NOT EXISTS other_than ON customers (id)")
    migrate(database.master, directory.path)
    assert indexes(database) == {"other": False, "by_name_ccnew": False, "by_name": True, "other_than": True}
    assert indexes(database, "orders") == {"name": False}, "named like a column of the statement"


def test_an_index_that_waits_for_its_partitions_is_left(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parts DEFAULT")
    database.rows("CREATE INDEX by_id ON ONLY parts (id)")
    database.rows(f"ALTER TABLE parts OWNER TO {database.master.user}")
    concurrently(directory, "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_id ON parts (id)")
    with pytest.raises(RevisionFailedError, match='cannot create index on partitioned table "parts" concurrently'):
        migrate(database.master, directory.path)
    assert indexes(database, "parts") == {"by_id": False}


def test_a_valid_index_of_that_name_is_not_touched(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE INDEX by_name ON customers (name)")
    concurrently(directory, CREATE)
    with pytest.raises(RevisionFailedError, match='relation "by_name" already exists'):
        migrate(database.master, directory.path)
    assert indexes(database) == {"by_name": True}


def test_a_build_that_fails_leaves_nothing(database: Database, directory: AlembicDirectory) -> None:
    """An invalid unique index would refuse the serving release's rows."""
    concurrently(directory, "CREATE UNIQUE INDEX CONCURRENTLY by_name ON customers (name)")
    with pytest.raises(RevisionFailedError, match="could not create unique index"):
        migrate(database.master, directory.path)
    assert indexes(database) == {}
    database.rows("UPDATE customers SET name = 'b' WHERE id = 2")
    migrate(database.master, directory.path)
    assert indexes(database) == {"by_name": True}


@pytest.mark.slow
def test_a_canceled_build(database: Database, directory: AlembicDirectory) -> None:
    concurrently(directory, CREATE, before="op.execute('CREATE TABLE before (id int)')")
    with open_writer(database):
        canceling = when_building(database, "pg_cancel_backend")
        with pytest.raises(RevisionFailedError, match="canceling statement due to user request"):
            migrate(database.master, directory.path)
        canceling.join()
    assert indexes(database) in ({}, {"by_name": False})
    assert migrate(database.master, directory.path).after == ("0002",)
    assert indexes(database) == {"by_name": True}


@pytest.mark.slow
def test_a_build_whose_session_is_ended_goes_on_in_another(database: Database, directory: AlembicDirectory) -> None:
    concurrently(directory, CREATE, before="op.execute('CREATE TABLE before (id int)')")
    seen: list[object] = []
    with open_writer(database) as writer:
        ending = when_building(database, "pg_terminate_backend")
        timer = threading.Timer(3.0, writer.rollback)
        timer.start()
        report = migrate(database.master, directory.path, on_progress=lambda entry: seen.append(entry["event"]))
        ending.join()
        timer.join()
    assert "connection_lost" in seen
    assert (report.before, report.after, report.revisions) == (("0001",), ("0002",), ("0002",))
    assert indexes(database) == {"by_name": True}
    assert database.rows("SELECT * FROM seachange.journal") == []


@pytest.mark.slow
@pytest.mark.parametrize("begun_late", [False, True])
def test_a_build_ends_with_the_time_of_its_call(
    database: Database, directory: AlembicDirectory, begun_late: bool
) -> None:
    """The Lambda would be killed inside it, and the server would go on building for nobody."""
    before = "op.execute('SELECT pg_sleep(1)')" if begun_late else "pass"
    concurrently(directory, CREATE, before=before)
    expected: type[MigrationError] = OutOfTimeError if begun_late else RevisionFailedError
    with open_writer(database):
        started = time.monotonic()
        with pytest.raises(expected, match="did not end in time" if begun_late else "takes longer than this call"):
            migrate(database.master, directory.path, time_left=until(2.5))
        assert time.monotonic() - started < 2.5 + TIDY_S + 2
    assert indexes(database) in ({}, {"by_name": False})
    migrate(database.master, directory.path, time_left=until(30))
    assert indexes(database) == {"by_name": True}


def until(seconds: float) -> TimeLeft:
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


@pytest.mark.parametrize(
    ("statement", "undone"),
    [
        (CREATE, ""),
        (CREATE, "DROP INDEX by_name"),
        ("DROP INDEX CONCURRENTLY by_id", ""),
        ("DROP INDEX CONCURRENTLY by_id", "CREATE INDEX by_id ON customers (id)"),
        ("VACUUM customers", ""),
    ],
)
def test_nobody_knows_whether_it_has_run(
    database: Database, directory: AlembicDirectory, statement: str, undone: str
) -> None:
    """A deployer died between the statement and its mark, or before the statement."""
    database.rows("CREATE INDEX by_id ON customers (id)")
    database.rows(f"ALTER TABLE customers OWNER TO {database.master.user}")
    concurrently(directory, statement, after="op.execute('SELECT broken()')")
    with pytest.raises(RevisionFailedError):
        migrate(database.master, directory.path)
    expected = indexes(database)
    database.rows("UPDATE seachange.journal SET state = 'intended'")
    if undone:
        database.rows(undone)
    concurrently(directory, statement)
    assert migrate(database.master, directory.path).after == ("0002",)
    assert indexes(database) == expected


def test_a_procedure_that_commits_is_not_called_again(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE TABLE calls (id int)")
    database.rows(
        "CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO calls VALUES (1); COMMIT; PERFORM broken(); END $$"
    )
    database.rows(f"GRANT ALL ON calls TO {database.master.user}")
    concurrently(directory, "CALL work()")
    with pytest.raises(RevisionFailedError, match="broken"):
        migrate(database.master, directory.path)
    with pytest.raises(MigrationError, match=r"`CALL work\(\)` commits by itself, and nobody knows how far it came"):
        migrate(database.master, directory.path)
    assert database.rows("SELECT * FROM calls") == [(1,)]
