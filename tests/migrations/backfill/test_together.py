"""A profile in a hurry fills a large table on several sessions, and the whole is proven on one all the same."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Connection, NullPool, StaticPool, create_engine

from seachange_migrations.backfill import Backfill, run, status
from seachange_migrations.backfill.errors import BackfillFailedError
from seachange_migrations.errors import OutOfTimeError
from seachange_migrations.running import Run, running
from tests.migrations.backfill.examples import doubling, items, left
from tests.migrations.databases import Database

ROWS = 2_000
DERIVED = doubling(sync="items_twice")
# Each row takes a millisecond, so the sessions work side by side.
SLOWLY = doubling(
    sync="items_twice", behind="twice IS DISTINCT FROM value * 2 AND pg_sleep(0.001) IS NOT NULL", name="slowly"
)


pytestmark = pytest.mark.usefixtures("small_batches", "impatient")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seachange_migrations.backfill.together.LARGE_ROWS", ROWS)


class Told:
    """A run in a hurry, its events, and the threads that told them."""

    def __init__(self, **run: object) -> None:
        self.events: list[Mapping[str, object]] = []
        self.threads: set[int] = set()
        self.run = Run(on_progress=self._tell, profile="fast", **run)  # type: ignore[arg-type]

    def _tell(self, event: Mapping[str, object]) -> None:
        self.threads.add(threading.get_ident())
        self.events.append(event)

    def ranges(self) -> Counter[object]:
        return Counter(event["range"] for event in self.events if event["event"] == "backfill")

    def do(self, connection: Connection, backfill: Backfill = DERIVED) -> int:
        with running(self.run):
            return run(connection, backfill)


def test_ranges_are_filled_on_two_sessions(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    told = Told()
    assert told.do(connection, SLOWLY) == ROWS == told.run.rows_backfilled
    assert left(database) == 0
    assert set(told.ranges()) == {0, 1, 2, 3, 4}
    assert len(told.threads) == 3, "two that fill, and the caller's that proves"
    (proven,) = status(connection)
    assert (proven.proven, proven.rows_done, proven.ranges) == (True, ROWS, 4)
    assert told.events[-1].items() >= {"event": "backfilled", "written": ROWS}.items()


def test_the_proof_finds_a_row_that_moved_behind_the_sessions(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    moved: list[int] = []

    class Moving(Told):
        def _tell(self, event: Mapping[str, object]) -> None:
            # The first look at the whole table: all ranges are done.
            if event.get("range") == 0 and not moved:
                moved.append(1)
                database.rows("UPDATE items SET twice = NULL, id = id + 10000 WHERE id IN (1900, 1950)")
            super()._tell(event)

    assert Moving().do(connection) == ROWS + 2
    assert left(database) == 0


@pytest.mark.parametrize(
    "case", ["gentle", "a small table", "no sync", "a trigger of the author's"], ids=lambda case: case.replace(" ", "-")
)
def test_one_session_where_two_are_not_worth_it_or_not_safe(
    database: Database, connection: Connection, case: str
) -> None:
    items(database, ROWS - 1 if case == "a small table" else ROWS)
    if case == "a trigger of the author's":
        database.rows(
            "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER touched BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch()"
        )
    told = Told()
    told.run.profile = "gentle" if case == "gentle" else "fast"
    told.do(connection, doubling() if case == "no sync" else DERIVED)
    assert set(told.ranges()) == {0}
    assert left(database) == 0


def test_whoever_fails_first_is_heard_and_the_others_end(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    database.rows(f"UPDATE items SET value = {2**31 - 1} WHERE id = {ROWS - 10}; ANALYZE items")
    started = time.monotonic()
    with pytest.raises(BackfillFailedError, match="integer out of range"):
        Told().do(connection)
    assert time.monotonic() - started < 30
    assert database.rows("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == [(2,)]
    database.rows(f"UPDATE items SET value = 1 WHERE id = {ROWS - 10}")
    Told().do(connection)
    assert left(database) == 0


def test_the_time_ends_for_all_and_the_next_call_goes_on(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    ends = time.monotonic() + 3.0
    first = Told(time_left=lambda: ends - time.monotonic())
    with pytest.raises(OutOfTimeError):
        first.do(connection, SLOWLY)
    written = first.run.rows_backfilled
    assert 0 < written < ROWS
    assert left(database) == ROWS - written
    assert Told().do(connection, SLOWLY) == ROWS - written


def test_the_other_session_has_the_role_and_the_settings_of_the_first(database: Database) -> None:
    items(database, ROWS)
    database.rows(
        'CREATE ROLE filler; GRANT SELECT, UPDATE ON items TO filler; GRANT CREATE ON DATABASE "'
        f'{database.name}" TO filler; GRANT filler TO "{database.master.user}";'
        "CREATE TABLE seen (who text, path text); GRANT INSERT ON seen TO filler;"
        "CREATE FUNCTION looked() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO seen SELECT current_user || pg_backend_pid(), current_setting('search_path'); RETURN true; END $$"
    )
    seeing = doubling(sync="items_twice", behind="twice IS DISTINCT FROM value * 2 AND looked()")
    engine = create_engine(database.master.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("SET ROLE filler")
        connection.exec_driver_sql("SET search_path TO public, pg_temp")
        Told().do(connection, seeing)
    who = {str(row[0]) for row in database.rows("SELECT DISTINCT who FROM seen")}
    assert len(who) == 2
    assert {name.rstrip("0123456789") for name in who} == {"filler"}
    assert database.rows("SELECT DISTINCT path FROM seen") == [("public, pg_temp",)]


@pytest.fixture
def single(database: Database) -> Iterator[Connection]:
    """Of an engine that gives everybody its one connection."""
    engine = create_engine(database.master.url(), poolclass=StaticPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_one_session_does_it_where_there_is_no_other(database: Database, single: Connection) -> None:
    items(database, ROWS)
    told = Told()
    assert told.do(single) == ROWS
    assert left(database) == 0
    (alone,) = [event for event in told.events if event["event"] == "backfill_alone"]
    assert alone["why"] == "the engine of env.py has one connection only"


def test_one_session_does_it_where_the_server_has_no_room(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    database.rows(f'ALTER ROLE "{database.master.user}" CONNECTION LIMIT 1')
    told = Told()
    assert told.do(connection) == ROWS
    (alone,) = [event for event in told.events if event["event"] == "backfill_alone"]
    assert "too many connections" in str(alone["why"])
