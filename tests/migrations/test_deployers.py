"""Eight deployers at once, and a server that goes away under one."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from seachange_migrations import migrate as migration
from seachange_migrations.errors import MigrationError, ServerGoneError, UnfinishedError
from seachange_migrations.migrate import migrate
from tests.migrations.backfill import examples
from tests.migrations.databases import AlembicDirectory, Database

pytestmark = pytest.mark.slow

PATIENCE_S = ["60", "0"] * 4
PROGRAM = """
import sys; from pathlib import Path
from seachange_migrations import migrate as migration
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import LockHeldError
host, port, database, user, password, directory, patience = sys.argv[1:]
migration.LOCK_PATIENCE_S = float(patience)
settings = ConnectionSettings(host=host, port=int(port), database=database, user=user, password=password)
print("ready", flush=True)
sys.stdin.readline()
say = lambda entry: print("waits", flush=True) if entry["event"] == "waiting_for_deployer" else None
try:
    print("applied", *migration.migrate(settings, Path(directory), on_progress=say).revisions)
except LockHeldError as error:
    print("left", error)
"""


def test_one_works_and_seven_wait_or_leave(database: Database, directory: AlembicDirectory) -> None:
    """With a concurrent build, which waits for every snapshot that is older than it: those of who waits, too."""
    directory.revision("0001", None, "CREATE TABLE customers AS SELECT n AS id FROM generate_series(1, 1000) n")
    body = """
    op.execute("SELECT pg_sleep(1)")
    with op.get_context().autocommit_block():
        op.create_index("by_id", "customers", ["id"], postgresql_concurrently=True)
    op.execute("SELECT pg_sleep(1)")
    """
    directory.revision("0002", "0001", body=body)
    to = database.master
    arguments = [to.host, str(to.port), to.database, to.user, to.password, str(directory.path)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, patience_s],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for patience_s in PATIENCE_S
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    answers = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        answers.append(process.communicate(timeout=90)[0].splitlines())
        assert process.returncode == 0
    worked = [answer for answer in answers if answer[-1] == "applied 0001 0002"]
    others = [answer for answer in answers if answer not in worked]
    assert (len(worked), len(others)) == (1, len(PATIENCE_S) - 1)
    assert {answer[-1].partition(" database")[0] for answer in others} == {
        "applied",
        "left another deployer migrates",
    }
    assert "waits" in [answer[0] for answer in others]
    assert database.rows("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_id'::regclass") == [(True,)]
    assert "deadlock detected" not in database.server_log()


@pytest.fixture
def own_server() -> Iterator[Database]:
    """A database in a server that a test may restart."""
    with examples.own_server() as database:
        yield database


BODY = """
op.execute("CREATE TABLE one AS SELECT 1 AS id")
with op.get_context().autocommit_block():
    op.execute("INSERT INTO one VALUES (2)")
{work}
op.execute("INSERT INTO one VALUES (3)")
"""


def when_it_sleeps(database: Database, act: Any) -> threading.Thread:
    """Calls `act` once the migration sleeps in the server."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        query = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND application_name = 'seachange-migrations'"
        while not database.rows(query) and time.monotonic() < deadline:
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_restart_in_the_middle(own_server: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=BODY.format(work="op.execute('SELECT pg_sleep(2)')"))
    directory.revision("0002", "0001", "CREATE TABLE two (id int)")

    finished = threading.Event()

    def restart() -> None:
        own_server.server.stop()
        time.sleep(1)
        own_server.server.start()
        finished.wait(60)  # the server ends with the thread that started it

    seen: list[Any] = []
    thread = when_it_sleeps(own_server, restart)
    report = migrate(own_server.master, directory.path, on_progress=seen.append)
    assert [entry["revision"] for entry in seen if entry["event"] == "connection_lost"] == ["0001"]
    assert (report.before, report.after, report.revisions) == ((), ("0002",), ("0001", "0002"))
    assert own_server.rows("SELECT id FROM one ORDER BY id") == [(1,), (2,), (3,)]
    assert own_server.rows("SELECT obj_description('alembic_version'::regclass)") == [(None,)]
    finished.set()
    thread.join()


def test_a_server_that_stays_away(
    own_server: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "RECONNECT_PATIENCE_S", 1.0)
    directory.revision("0001", None, body=BODY.format(work="op.execute('SELECT pg_sleep(2)')"))
    thread = when_it_sleeps(own_server, own_server.server.stop)
    with pytest.raises(ServerGoneError, match=r"the server went away in revision 0001: .* run it again") as caught:
        migrate(own_server.master, directory.path)
    thread.join()
    assert isinstance(caught.value, UnfinishedError)
    assert "\n" not in str(caught.value)
    own_server.server.start()
    assert migrate(own_server.master, directory.path).after == ("0001",)
    assert own_server.rows("SELECT id FROM one ORDER BY id") == [(1,), (2,), (3,)]


def test_a_session_that_is_ended_again_and_again(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "LOSSES", 3)
    body = "op.get_bind().exec_driver_sql('SELECT pg_terminate_backend(pg_backend_pid())')"
    directory.revision("0001", None, body=body)
    seen: list[Any] = []
    with pytest.raises(MigrationError, match="the server went away in revision 0001"):
        migrate(database.master, directory.path, on_progress=seen.append)
    assert [entry["event"] for entry in seen].count("connection_lost") == 2


def test_no_time_is_left_to_wait_for_the_server(own_server: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=BODY.format(work="op.execute('SELECT pg_sleep(2)')"))
    thread = when_it_sleeps(own_server, own_server.server.stop)
    end = time.monotonic() + 4
    with pytest.raises(UnfinishedError):
        migrate(own_server.master, directory.path, time_left=lambda: end - time.monotonic())
    thread.join()
    assert time.monotonic() < end + 2
