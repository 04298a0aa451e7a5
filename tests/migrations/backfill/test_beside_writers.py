"""A backfill beside sessions that write: nobody deadlocks, nobody waits long, and no row is left."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import BackfillFailedError, RowsBusyError, run, store, work
from seachange_migrations.backfill.batch import Batches
from seachange_migrations.backfill.table import Table
from seachange_migrations.errors import OutOfTimeError
from seachange_migrations.running import Run, running
from seachange_migrations.state import ensure
from tests.migrations.backfill.examples import doubling, items, left
from tests.migrations.databases import Database

WRITING_S = float(os.environ.get("SEACHANGE_WRITING_S", "5"))
WRITERS = 3


class Writers:
    """Sessions that each change six random rows per transaction, in random order, and leave them behind again.

    Each keeps to rows of its own, for writers in random order deadlock by themselves.
    """

    def __init__(self, database: Database, rows: int) -> None:
        self._database = database
        self._rows = rows
        self._stop = threading.Event()
        self.commits = 0
        self.failures: list[str] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _write(self, number: int) -> None:
        mine = range(1 + number, self._rows + 1, WRITERS)
        with self._database.connect(application_name="writer") as session:
            while not self._stop.is_set():
                try:
                    with session.transaction():
                        for row in random.sample(mine, 6):
                            session.execute("UPDATE items SET value = value + 1 WHERE id = %s", [row])
                    self.commits += 1
                except psycopg.Error as error:
                    self.failures.append(str(error))


@contextmanager
def holding(database: Database, statement: str, seconds: float, *, name: str = "holder") -> Iterator[None]:
    """Another transaction that has executed `statement`, and ends by itself after `seconds`."""
    with database.connect(application_name=name) as session:
        session.execute("BEGIN")
        session.execute(statement.encode())
        timer = threading.Timer(seconds, session.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


@pytest.mark.slow
def test_writers_of_many_rows_in_random_order_never_deadlock(database: Database, connection: Connection) -> None:
    rows = 2_000
    items(database, rows)
    writers = Writers(database, rows)
    end = time.monotonic() + WRITING_S + work.RESERVE_S
    under_way = Run(profile="fast", time_left=lambda: end - time.monotonic())
    with writers.writing(), running(under_way), suppress(OutOfTimeError):
        # A pass between two writes finds nothing and ends it; only the time's end ends this.
        while True:
            run(connection, doubling())
    assert writers.failures == []
    assert writers.commits > 10 * WRITING_S
    assert under_way.rows_backfilled > rows, "rows were taken again and again"
    run(connection, doubling())
    assert left(database) == 0
    # The backfill takes a deadlock's victim for a delay, so it could hide one.
    connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    assert database.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "held",
    [
        "UPDATE items SET value = 0 WHERE id IN (7, 300)",
        "SELECT FROM items WHERE id IN (7, 300) FOR UPDATE",
        # As a child that refers to the row takes it: we may lock it too, and could not tell our lock from both.
        "SELECT FROM items WHERE id IN (7, 300) FOR KEY SHARE",
        "LOCK TABLE items IN ACCESS EXCLUSIVE MODE",
    ],
)
def test_what_others_hold_is_taken_when_they_are_done(database: Database, connection: Connection, held: str) -> None:
    items(database, 500)
    started = time.monotonic()
    with holding(database, held, 2):
        if not held.startswith("LOCK"):
            threading.Timer(1.2, lambda: seen.append(left(database))).start()
        seen: list[int] = []
        run(connection, doubling())
    assert 1.5 < time.monotonic() - started < 7
    assert left(database) == 0
    assert held.startswith("LOCK") or seen == [2], "all but the held rows were done long before"


@pytest.mark.parametrize("held", ["UPDATE items SET value = 0 WHERE id = 7", "LOCK TABLE items"])
def test_rows_that_stay_locked_are_named(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    monkeypatch.setattr(work, "PATIENCE_S", 0.5)
    items(database, 500)
    database.rows(f'GRANT pg_read_all_stats TO "{database.master.user}"')
    message = r"items_twice has got no further for \d s: rows of public.items are locked by pid \d+ \(nightly report, role postgres"
    with holding(database, held, 60, name="nightly report"), pytest.raises(RowsBusyError, match=message):
        run(connection, doubling())
    assert run(connection, doubling()) == (1 if "id = 7" in held else 500)


@pytest.mark.usefixtures("small_batches")
def test_a_key_that_moves_behind_the_cursor_is_found(database: Database, connection: Connection) -> None:
    items(database, 500)
    calls = iter(range(1_000))

    def time_left() -> float:
        if next(calls) == 4:
            database.rows("UPDATE items SET id = -id WHERE id > 490")
        return 60.0

    with running(Run(time_left=time_left)):
        assert run(connection, doubling()) == 500
    assert database.rows("SELECT count(*) FROM items WHERE id < 0") == [(10,)]
    assert left(database) == 0


@pytest.mark.parametrize(
    "waits",
    ["UPDATE items SET value = value WHERE id = 1", "BEGIN; LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE; COMMIT"],
    ids=["for a row", "for the table"],
)
def test_a_session_that_waits_for_a_batch_is_seen(database: Database, connection: Connection, waits: str) -> None:
    items(database, 20)
    database.rows(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END';"
        "CREATE TRIGGER slow BEFORE UPDATE OF twice ON items FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    ensure(connection)
    store.begin(connection, doubling(), 20)
    store.add_range(connection, "items_twice", store.WHOLE, None, None)
    batches = Batches(connection, doubling(), Table.read(connection, "public", "items"), store.WHOLE)
    waited: list[float] = []

    def write() -> None:
        time.sleep(0.4)
        started = time.monotonic()
        database.rows(waits)
        waited.append(time.monotonic() - started)

    writer = threading.Thread(target=write)
    writer.start()
    done = batches.take(None, None, 20, rate=0, dense=False, again=False, check=False)
    writer.join()
    assert (done.rows, done.written, done.waiting) == (20, 20, 1)
    assert waited[0] > 0.3
    # It looks ten times a second.
    time.sleep(0.15)
    assert batches.take(done.last, None, 20, rate=0, dense=False, again=False, check=False).waiting == 0


def test_after_a_batch_that_somebody_waited_for_the_next_is_smaller(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    items(database, 3_000)
    sizes: list[int] = []
    take = Batches.take

    def waited_for(self: Batches, *keys: Any, **how: Any) -> Any:
        sizes.append(keys[2])
        done = take(self, *keys, **how)
        return done if len(sizes) > 1 else type(done)(**{**done.__dict__, "waiting": 1})

    monkeypatch.setattr(Batches, "take", waited_for)
    monkeypatch.setattr(work, "WAITED_FOR_S", 0.5)
    started = time.monotonic()
    run(connection, doubling())
    assert sizes[1] < sizes[2]
    assert time.monotonic() - started > 0.5


@pytest.mark.parametrize(
    ("changed", "trigger"),
    [
        ({"behind": "twice IS NULL OR value > 250"}, None),
        ({}, "BEGIN NEW.twice := NULL; RETURN NEW; END"),
    ],
)
def test_a_backfill_that_would_never_end_is_told_at_once(
    database: Database, connection: Connection, changed: dict[str, Any], trigger: str | None
) -> None:
    items(database, 500)
    if trigger:
        database.rows(
            f"CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS '{trigger}';"
            "CREATE TRIGGER undo BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION undo()"
        )
    with pytest.raises(
        BackfillFailedError, match=r"would never end: \d+ of \d+ rows of public\.items are still behind"
    ):
        run(connection, doubling(**changed))


@pytest.mark.usefixtures("small_batches")
def test_a_row_that_cannot_be_written_is_told(database: Database, connection: Connection) -> None:
    items(database, 500)
    database.rows("ALTER TABLE items ADD CONSTRAINT small CHECK (twice < 600)")
    message = r'items_twice failed on public\.items: .* violates check constraint "small"\. .* are committed and stay'
    with pytest.raises(BackfillFailedError, match=message):
        run(connection, doubling())
    database.rows("ALTER TABLE items DROP CONSTRAINT small")
    assert run(connection, doubling()) == 500 - 250, "five batches of 50 stayed"


def test_triggers_of_others_fire_once_for_each_row(database: Database, connection: Connection) -> None:
    items(database, 700)
    database.rows(
        "CREATE TABLE audit (id int, at timestamptz DEFAULT now()); ALTER TABLE items ADD updated_at timestamptz;"
        f'GRANT INSERT ON audit TO "{database.master.user}";'
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN INSERT INTO audit VALUES (NEW.id); NEW.updated_at := now(); RETURN NEW; END';"
        "CREATE TRIGGER audited BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION audit()"
    )
    assert run(connection, doubling()) == 700
    assert database.rows("SELECT count(*), count(DISTINCT id) FROM audit") == [(700, 700)]
    assert database.rows("SELECT count(*) FROM items WHERE updated_at IS NOT NULL") == [(700,)]


def test_only_the_syncs_own_writes_say_so(database: Database, connection: Connection) -> None:
    items(database, 5)
    database.rows(
        "ALTER TABLE items ADD said text;"
        "CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.said := current_setting('seachange.sync', true); RETURN NEW; END $$;"
        "CREATE TRIGGER say BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION say()"
    )
    run(connection, doubling(sync="items_twice"))
    assert database.rows("SELECT DISTINCT said FROM items") == [("off",)]
    database.rows("UPDATE items SET value = value + 1")
    assert database.rows("SELECT DISTINCT coalesce(said, '') FROM items") == [("",)]
    run(connection, doubling(name="another"))
    assert database.rows("SELECT DISTINCT coalesce(said, '') FROM items") == [("",)]


def test_a_trigger_that_skips_a_row_is_named(database: Database, connection: Connection) -> None:
    items(database, 20)
    database.rows(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN NEW.id = 7 THEN NULL ELSE NEW END; END';"
        "CREATE TRIGGER skips BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION skip()"
    )
    with pytest.raises(
        BackfillFailedError, match=r"1 of the rows .* locked by nobody, .*items: trigger skips skips them"
    ):
        run(connection, doubling())
    assert left(database) == 1


def test_what_a_constraint_refuses_is_told_without_the_row(database: Database, connection: Connection) -> None:
    items(database, 20)
    database.rows("ALTER TABLE items ADD CONSTRAINT few CHECK (value < 7) NOT VALID")
    with pytest.raises(BackfillFailedError, match=r'violates check constraint "few"\. The batches') as caught:
        run(connection, doubling())
    assert "DETAIL" not in str(caught.value)
