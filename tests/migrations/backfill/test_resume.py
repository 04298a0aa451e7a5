"""A backfill that stops anywhere goes on from its cursor: each row is written once, and none is left."""

import os
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import forget, run, status
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import LockHeldError, MigrationError, OutOfTimeError, UnreachableError
from seachange_migrations.running import Run, TimeLeft, running
from tests.migrations.backfill.examples import doubling, items, left, own_server, session
from tests.migrations.databases import Database

# A millisecond for each row: a server sleeps no shorter.
SLOW = "twice IS DISTINCT FROM value * 2 AND pg_sleep(0.0001) IS NOT NULL"

KILLS = int(os.environ.get("SEACHANGE_KILLS", "4"))

PROGRAM = """
import sys
from sqlalchemy import NullPool, create_engine
from seachange_migrations.backfill import pace, run
from seachange_migrations.connection import ConnectionSettings
from tests.migrations.backfill.examples import doubling
from tests.migrations.backfill.test_resume import SLOW
host, port, database, user, password = sys.argv[1:]
pace.MOST_ROWS = pace.FIRST_ROWS = 50
to = ConnectionSettings(host=host, port=int(port), database=database, user=user, password=password)
with create_engine(to.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
    print("begun", flush=True)
    print(run(connection, doubling(behind=SLOW)))
"""


def audited(database: Database) -> None:
    """Counts in `audit` how often each row of `items` is written."""
    database.rows(
        f'CREATE TABLE audit (id int); GRANT INSERT ON audit TO "{database.master.user}";'
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NULL; END';"
        "CREATE TRIGGER audited AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION audit()"
    )


def worker(to: ConnectionSettings) -> subprocess.Popen[str]:
    """A process that runs the backfill, once its connection stands."""
    arguments = [to.host, str(to.port), to.database, to.user, to.password]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def lasting(looks: int) -> TimeLeft:
    """A call whose time is over after that many looks at it."""
    left_s = iter([60.0] * looks)
    return lambda: next(left_s, 0.0)


@pytest.mark.usefixtures("small_batches")
def test_a_call_ends_in_time_and_the_next_goes_on(database: Database, connection: Connection) -> None:
    items(database, 1_000)
    audited(database)
    written: list[int] = []
    while True:
        call = Run(time_left=lasting(6))
        with running(call), suppress(OutOfTimeError):
            run(connection, doubling())
            break
        written.append(call.rows_backfilled)
    written.append(call.rows_backfilled)
    assert len(written) > 5
    assert sum(written) == 1_000
    assert database.rows("SELECT count(*), count(DISTINCT id) FROM audit") == [(1_000, 1_000)]
    assert left(database) == 0


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * KILLS)
def test_killed_at_random_moments(database: Database, connection: Connection) -> None:
    # Each row takes a millisecond, so that the last kill hits it at work on any machine.
    rows = 600 * KILLS
    items(database, rows)
    audited(database)
    for _ in range(KILLS):
        process = worker(database.master)
        time.sleep(random.uniform(0, 0.4))
        process.kill()
        process.communicate()
    assert left(database) > 0
    run(connection, doubling(behind=SLOW))
    assert database.rows("SELECT count(*), count(DISTINCT id) FROM audit") == [(rows, rows)]
    assert left(database) == 0
    assert status(connection)[0].proven


@pytest.mark.slow
@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
def test_a_server_that_goes_down_in_a_batch(crash: bool) -> None:
    rows = 2_000
    with own_server() as database:
        items(database, rows)
        audited(database)
        failures: list[BaseException] = []

        def work_on() -> None:
            try:
                with session(database) as connection:
                    run(connection, doubling(behind=SLOW))
            except MigrationError as error:
                failures.append(error)

        working = threading.Thread(target=work_on)
        working.start()
        while not database.rows("SELECT 1 FROM audit LIMIT 1"):
            assert working.is_alive(), f"it ended: {failures}"
            time.sleep(0.01)
        if crash:
            database.server.__exit__()
        else:
            database.server.stop()
        working.join()
        database.server.start()
        (failure,) = failures
        assert isinstance(failure, UnreachableError)
        assert "the connection was lost during backfill items_twice" in str(failure)
        # A crash may take the last batches back, with their cursor: nobody waited for the disk.
        assert 0 < left(database) <= rows - (not crash)
        with session(database) as connection:
            run(connection, doubling(behind=SLOW))
        assert database.rows("SELECT count(*), count(DISTINCT id) FROM audit") == [(rows, rows)]
        assert left(database) == 0


def test_a_second_session_leaves_it_to_the_first(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seachange_migrations.backfill.claims.PATIENCE_S", 0.3)
    items(database, 10)
    with database.connect(application_name="first") as first:
        first.execute("SELECT pg_advisory_lock(hashtextextended('seachange-backfill/items_twice', 0))")
        with pytest.raises(LockHeldError, match="another session works on backfill items_twice"):
            run(connection, doubling())
    assert run(connection, doubling()) == 10


def test_done_is_scanned_afresh_when_it_is_asked_for_again(database: Database, connection: Connection) -> None:
    items(database, 100)
    assert run(connection, doubling()) == 100
    database.rows("UPDATE items SET value = value + 1 WHERE id < 4")
    assert run(connection, doubling()) == 3
    assert run(connection, doubling()) == 0
    assert status(connection)[0].proven


def test_one_that_does_something_else_than_before_begins_anew(database: Database, connection: Connection) -> None:
    items(database, 1_000)
    message = r"items_twice has written [\d,]+ rows in this call; the next goes on from there"
    with running(Run(time_left=lasting(3))), pytest.raises(OutOfTimeError, match=message):
        run(connection, doubling())
    mended = doubling(assignments={"twice": "value * 3"}, behind="twice IS DISTINCT FROM value * 3")
    assert run(connection, mended) == 1_000
    forget(connection, "items_twice")
    assert status(connection) == []


def test_a_signal_between_two_batches_leaves_no_transaction_open(database: Database, connection: Connection) -> None:
    items(database, 1_000)

    def interrupted() -> float:
        raise KeyboardInterrupt

    with running(Run(time_left=interrupted)), pytest.raises(KeyboardInterrupt):
        run(connection, doubling())
    assert run(connection, doubling()) == 1_000
