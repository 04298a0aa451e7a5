"""Others' locks, other deployers, and the time that a call may last."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine

from seachange_migrations import apply as engine
from seachange_migrations import migrate as migration
from seachange_migrations import safety
from seachange_migrations.connection import connect
from seachange_migrations.errors import LockHeldError, OutOfTimeError, RevisionFailedError, TableBusyError
from seachange_migrations.locks import lock_key
from seachange_migrations.migrate import migrate
from seachange_migrations.running import TimeLeft
from tests.migrations.databases import MAKES_ITS_OWN_ENGINE, TAKES_THE_CONNECTION, AlembicDirectory, Database

pytestmark = pytest.mark.slow


@contextmanager
def long_reader(database: Database, seconds: float) -> Iterator[threading.Timer]:
    """A transaction that reads the table and then stays open for `seconds`."""
    with database.connect(application_name="long reader") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM customers")
        timer = threading.Timer(seconds, reader.rollback)
        timer.start()
        try:
            yield timer
        finally:
            timer.cancel()
            timer.join()


@contextmanager
def writer(database: Database) -> Iterator[list[float]]:
    """A session that updates one row again and again; yields the seconds that each update took."""
    latencies: list[float] = []
    stop = threading.Event()

    def write() -> None:
        with database.connect(application_name="writer") as connection:
            while not stop.wait(0.01):
                started = time.monotonic()
                connection.execute("UPDATE customers SET address = address")
                latencies.append(time.monotonic() - started)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield latencies
    finally:
        stop.set()
        thread.join()


def until(seconds: float) -> TimeLeft:
    """A call that may last `seconds`."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


@pytest.fixture
def customers(database: Database, directory: AlembicDirectory) -> AlembicDirectory:
    """The directory of a database with one customer, and an expand revision that has not run."""
    directory.example()
    migrate(database.master, directory.path, target="0001")
    database.rows("INSERT INTO customers VALUES (1, 'here')")
    return directory


@pytest.mark.parametrize("env", [TAKES_THE_CONNECTION, MAKES_ITS_OWN_ENGINE], ids=["given connection", "own engine"])
def test_expand_never_queues_writers_behind_a_long_reader(
    database: Database, customers: AlembicDirectory, monkeypatch: pytest.MonkeyPatch, env: str
) -> None:
    (customers.path / "env.py").write_text(env, "utf-8")
    monkeypatch.setattr(safety, "LOCK_TIMEOUT_MS", 200)
    reader_s, margin_s = 2.0, 0.8
    with long_reader(database, reader_s), writer(database) as latencies:
        report = migrate(database.master, customers.path, target="expand@head")
        time.sleep(0.1)
    assert report.after == ("0002",)
    assert report.duration_s > 1, "the revision did wait for the reader"
    # Without a lock timeout every writer queues behind the ALTER TABLE, for as long as the reader lives.
    assert max(latencies) < safety.LOCK_TIMEOUT_MS / 1000 + margin_s < reader_s


def test_each_try_names_who_blocks(
    database: Database, customers: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "LOCK_TIMEOUT_MS", 300)
    monkeypatch.setattr(engine, "TRIES", 2)
    database.rows(f"GRANT pg_read_all_stats TO {database.master.user}")
    seen: list[Any] = []
    blocker = r"pid \d+ \(long reader, role postgres, transaction open for \d s\): SELECT \* FROM customers"
    with (
        long_reader(database, 60),
        pytest.raises(TableBusyError, match=f"none of 2 tries of 0.3 s; blocked by {blocker}"),
    ):
        migrate(database.master, customers.path, target="expand@head", on_progress=seen.append)
    (retry,) = [entry for entry in seen if entry["event"] == "lock_timeout"]
    assert retry["attempt"] == 1
    assert "long reader" in retry["blocked_by"][0]
    assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]


def test_the_longest_wait_is_reported(database: Database, customers: AlembicDirectory) -> None:
    with long_reader(database, 0.7):
        report = migrate(database.master, customers.path, target="expand@head")
    assert 300 < report.lock_wait_ms < 2_000


def test_every_transaction_of_a_revision_has_the_lock_timeout(database: Database, customers: AlembicDirectory) -> None:
    body = """
    op.execute("CREATE TABLE before AS SELECT current_setting('lock_timeout') AS lock_timeout")
    op.execute("COMMIT")
    op.execute("CREATE TABLE committed AS SELECT current_setting('lock_timeout') AS lock_timeout")
    with op.get_context().autocommit_block():
        op.execute("CREATE TABLE inside AS SELECT current_setting('lock_timeout') AS lock_timeout")
    op.execute("CREATE TABLE after AS SELECT current_setting('lock_timeout') AS lock_timeout")
    """
    customers.revision("0004", "0002", body=body)
    migrate(database.master, customers.path, target="0004")
    seen = [database.rows(f"SELECT * FROM {name}") for name in ("before", "committed", "inside", "after")]
    assert seen == [[("2s",)]] * 4


def test_an_index_is_built_concurrently_without_a_lock_timeout(database: Database, customers: AlembicDirectory) -> None:
    database.rows(f"ALTER ROLE {database.master.user} SET lock_timeout = '200ms'")
    body = """
    with op.get_context().autocommit_block():
        op.create_index("by_city", "customers", ["city"], postgresql_concurrently=True)
        op.execute("CREATE TABLE after AS SELECT setting FROM pg_settings WHERE name = 'lock_timeout'")
    """
    migrate(database.master, customers.path, target="0002")
    customers.revision("0004", "0002", body=body)
    with database.connect(application_name="writer") as other:
        other.execute("BEGIN")
        other.execute("UPDATE customers SET address = address")
        timer = threading.Timer(1.0, other.rollback)
        timer.start()
        seen: list[Any] = []
        report = migrate(database.master, customers.path, target="0004", on_progress=seen.append)
        timer.join()
    assert "lock_timeout" not in [entry["event"] for entry in seen]
    assert report.duration_s > 0.8, "the build did wait for the writer"
    assert database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_city'::regclass") == [(True,)]


def test_the_lock_timeout_ends_with_the_migration(database: Database, customers: AlembicDirectory) -> None:
    migrate(database.master, customers.path)
    with create_engine(database.master.url(), poolclass=NullPool).connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar() == "0"


def deployer(database: Database, directory: AlembicDirectory) -> subprocess.Popen[str]:
    """Another deployer is another process: Alembic's `op` and `context` belong to one migration at a time."""
    program = (
        "import sys; from pathlib import Path\n"
        "from seachange_migrations.connection import ConnectionSettings\n"
        "from seachange_migrations.migrate import migrate\n"
        "host, port, database, user, password, directory = sys.argv[1:]\n"
        "settings = ConnectionSettings(host=host, port=int(port), database=database, user=user, password=password)\n"
        "print(','.join(migrate(settings, Path(directory)).revisions))\n"
    )
    to = database.master
    arguments = [to.host, str(to.port), to.database, to.user, to.password, str(directory.path)]
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_deployers_at_once(database: Database, directory: AlembicDirectory) -> None:
    directory.revision(
        "0001", None, body="op.execute('SELECT pg_sleep(0.5)')\nop.execute('CREATE TABLE once (id int)')"
    )
    directory.revision("0002", "0001")
    deployers = [deployer(database, directory) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0].strip() for process in deployers]
    assert [process.returncode for process in deployers] == [0, 0, 0]
    assert sorted(outputs) == ["", "", "0001,0002"]


def test_a_deployer_that_waited_long_enough_leaves(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "LOCK_PATIENCE_S", 0.0)
    directory.revision("0001", None, "CREATE TABLE once (id int)")
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(database.name)])
        with pytest.raises(LockHeldError, match="another deployer migrates"):
            migrate(database.master, directory.path)
    assert migrate(database.master, directory.path).revisions == ("0001",)


def test_a_call_ends_in_time_and_the_next_goes_on(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE batches (number int)")
    body = """
    import time
    from seachange_migrations.journal import unjournalled
    with op.get_context().autocommit_block(), unjournalled():
        done = op.get_bind().exec_driver_sql("SELECT count(*) FROM batches").scalar_one()
        for number in range(done, 6):
            op.execute(f"INSERT INTO batches VALUES ({number})")
            time.sleep(0.1)
    """
    directory.revision("0002", "0001", body=body)
    migrate(database.master, directory.path, target="0001")
    calls = 0
    while True:
        calls += 1
        try:
            report = migrate(database.master, directory.path, time_left=until(0.35))
            break
        except OutOfTimeError:
            assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]
    assert calls > 1
    assert report.after == ("0002",)
    assert database.rows("SELECT count(*), count(DISTINCT number) FROM batches") == [(6, 6)]


def test_a_lock_that_does_not_come_in_time_is_not_waited_for(database: Database, customers: AlembicDirectory) -> None:
    with (
        long_reader(database, 60),
        pytest.raises(OutOfTimeError, match=r"0002 waits for a lock; blocked by pid \d+ \(long reader"),
    ):
        migrate(database.master, customers.path, target="expand@head", time_left=until(3))


@pytest.mark.parametrize("env", [TAKES_THE_CONNECTION, MAKES_ITS_OWN_ENGINE], ids=["given connection", "own engine"])
def test_a_statement_longer_than_a_call(database: Database, customers: AlembicDirectory, env: str) -> None:
    (customers.path / "env.py").write_text(env, "utf-8")
    customers.revision("0004", "0001", "SELECT pg_sleep(60)")
    message = (
        r"revision 0004 failed: its statement takes longer than this call of the Lambda may last, \d s: "
        r"SELECT pg_sleep\(60\)\. It was rolled back\. Split it"
    )
    started = time.monotonic()
    with pytest.raises(RevisionFailedError, match=message):
        migrate(database.master, customers.path, target="0004", time_left=until(4))
    assert time.monotonic() - started < 8


def test_a_statement_that_began_late_is_begun_again(database: Database, customers: AlembicDirectory) -> None:
    customers.revision("0004", "0001", "SELECT pg_sleep(2)")
    customers.revision("0005", "0004", "SELECT pg_sleep(2)")
    with pytest.raises(OutOfTimeError, match="1 of 2 revisions are applied; revision 0005 did not end in time"):
        migrate(database.master, customers.path, target="0005", time_left=until(3.6))
    assert migrate(database.master, customers.path, target="0005", time_left=until(3.6)).revisions == ("0005",)


def test_each_statement_gets_the_time_that_is_left(
    database: Database, customers: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "TIMEOUT_SLACK_S", 0.1)
    setting = "SELECT setting::int AS timeout FROM pg_settings WHERE name = 'statement_timeout'"
    body = f"""
    op.execute("CREATE TABLE first AS {setting}")
    bind = op.get_bind()
    try:
        with bind.begin_nested():
            op.execute("DO $$ BEGIN PERFORM pg_sleep(0.5); RAISE EXCEPTION 'no'; END $$")
    except Exception:
        pass
    op.execute("CREATE TABLE second AS {setting}")
    op.execute("SET LOCAL statement_timeout = 3000")
    op.execute("SELECT pg_sleep(0.2)")
    op.execute("CREATE TABLE own AS {setting}")
    with op.get_context().autocommit_block():
        op.execute("CREATE TABLE outside AS {setting}")
    op.execute("COMMIT")
    op.execute("CREATE TABLE committed AS {setting}")
    """
    customers.revision("0004", "0001", body=body)
    migrate(database.master, customers.path, target="0004", time_left=until(60))
    tables = " UNION ALL ".join(
        f"SELECT timeout FROM {name}" for name in ("first", "second", "own", "outside", "committed")
    )
    first, second, own, outside, committed = (timeout for (timeout,) in database.rows(tables))
    assert 50_000 < second < first - 300
    assert own == 3000
    assert 50_000 < committed <= outside < second


def test_a_timeout_of_the_revisions_own_is_told_as_it_is(database: Database, customers: AlembicDirectory) -> None:
    body = 'op.execute("SET LOCAL statement_timeout = 100")\nop.execute("SELECT pg_sleep(60)")'
    customers.revision("0004", "0001", body=body)
    with pytest.raises(RevisionFailedError, match="QueryCanceled: canceling statement due to statement timeout"):
        migrate(database.master, customers.path, target="0004", time_left=until(60))


def test_without_a_limit_no_statement_is_limited(database: Database, customers: AlembicDirectory) -> None:
    customers.revision("0004", "0001", "CREATE TABLE seen AS SELECT current_setting('statement_timeout')")
    migrate(database.master, customers.path, target="0004")
    assert database.rows("SELECT * FROM seen") == [("0",)]


def test_every_connection_notices_a_server_that_is_gone(database: Database) -> None:
    expected = {"keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "6"}
    assert expected.items() <= {name: str(value) for name, value in database.master.parameters().items()}.items()
    assert expected.items() <= database.master.url().query.items()
    with connect(database.master) as session:
        assert session.info.get_parameters()["keepalives_idle"] == "60"
