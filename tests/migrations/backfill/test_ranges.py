"""Workers that share a table by ranges of its key: no row twice, none left, whatever the key."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import BackfillPendingError, run, run_range, split, status
from seachange_migrations.backfill.store import read_range
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.running import Run, running
from tests.migrations.backfill.examples import doubling, items, left, session
from tests.migrations.backfill.test_resume import audited, lasting
from tests.migrations.databases import Database

ROWS = 3_000

KEYS = {
    "int": ("id int PRIMARY KEY", "n"),
    "text": ("id text PRIMARY KEY", "md5(n::text)"),
    "timestamptz": ("id timestamptz PRIMARY KEY", "now() + n * interval '1 s'"),
    "composite": ("one int, id uuid, PRIMARY KEY (one, id)", "n % 3, md5(n::text)::uuid"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_parts_of_like_size_by_any_key(database: Database, connection: Connection, kind: str) -> None:
    definition, value = KEYS[kind]
    items(database, ROWS, key=definition, of=value)
    numbers = split(connection, doubling(), 4)
    assert numbers == (1, 2, 3, 4)
    assert split(connection, doubling(), 7) == numbers, "what is split stays so"
    before = ROWS
    for number in numbers:
        assert run_range(connection, "items_twice", number)
        done, before = before - left(database), left(database)
        assert abs(done - ROWS / 4) < ROWS / 10
    assert left(database) == 0
    assert status(connection)[0].proven


def test_workers_at_once(database: Database, connection: Connection) -> None:
    items(database, ROWS)
    audited(database)
    finished: list[tuple[int, bool]] = []

    def work(number: int) -> None:
        with session(database) as own, running(Run(profile="fast")):
            while not run_range(own, "items_twice", number):
                pass
            finished.append((number, True))

    workers = [threading.Thread(target=work, args=(number,)) for number in split(connection, doubling(), 3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(finished) == [(1, True), (2, True), (3, True)]
    assert database.rows("SELECT count(*), count(DISTINCT id) FROM audit") == [(ROWS, ROWS)]
    assert left(database) == 0
    (found,) = status(connection)
    assert (found.proven, found.ranges, found.ranges_finished, found.rows_done) == (True, 3, 3, ROWS)


@pytest.mark.usefixtures("small_batches")
def test_a_worker_stops_in_time_and_is_called_again(database: Database, connection: Connection) -> None:
    items(database, 300)
    (first, second) = split(connection, doubling(), 2)
    calls = 0
    while True:
        with running(Run(time_left=lasting(2))):
            if run_range(connection, "items_twice", first):
                break
        calls += 1
    assert calls > 2
    assert not status(connection)[0].proven
    assert run_range(connection, "items_twice", second)
    assert status(connection)[0].proven


def test_a_key_that_moves_to_a_finished_range_is_found(database: Database, connection: Connection) -> None:
    items(database, 300)
    first, second = split(connection, doubling(), 2)
    assert run_range(connection, "items_twice", first)
    database.rows("UPDATE items SET id = -id WHERE id > 290")
    assert run_range(connection, "items_twice", second)
    assert database.rows("SELECT count(*) FROM items WHERE id < 0") == [(10,)]
    assert left(database) == 0


def test_a_worker_that_died_before_the_proof(database: Database, connection: Connection) -> None:
    items(database, 300)
    first, second = split(connection, doubling(), 2)
    assert run_range(connection, "items_twice", first)
    # Time for its own range, and none for the whole table.
    passes = 2 * 2 + 1
    with running(Run(time_left=lasting(passes))):
        assert not run_range(connection, "items_twice", second)
    assert read_range(connection, "items_twice", second).finished
    assert not status(connection)[0].proven
    assert run_range(connection, "items_twice", second)
    assert status(connection)[0].proven


def test_a_small_table_has_fewer_ranges(database: Database, connection: Connection) -> None:
    items(database, 2)
    # Beside the two rows' own, the one for what comes after them.
    assert split(connection, doubling(), 8) == (1, 2, 3)
    assert [run_range(connection, "items_twice", number) for number in (1, 2, 3)] == [True, True, True]
    items_empty = doubling(name="nothing", table="nothing")
    database.rows(
        f'CREATE TABLE nothing (id int PRIMARY KEY, value int, twice int); ALTER TABLE nothing OWNER TO "{database.master.user}"'
    )
    assert split(connection, items_empty, 8) == (1,)
    assert run_range(connection, "nothing", 1)


def test_what_is_not_there(database: Database, connection: Connection) -> None:
    items(database, 2)
    split(connection, doubling(), 1)
    with pytest.raises(InvalidRequestError, match="knows of no backfill 'nothing'"):
        run_range(connection, "nothing", 1)
    with pytest.raises(InvalidRequestError, match="backfill 'items_twice' has no range 9"):
        run_range(connection, "items_twice", 9)


def test_a_large_one_is_left_to_workers(database: Database, connection: Connection) -> None:
    items(database, 300)
    with running(Run(deferred_rows=300)):
        with pytest.raises(BackfillPendingError, match="items_twice of about 300 rows is larger than one call does"):
            run(connection, doubling())
        assert left(database) == 300
        for number in split(connection, doubling(), 2):
            assert run_range(connection, "items_twice", number)
        assert run(connection, doubling()) == 0, "it is proven"


@pytest.mark.usefixtures("small_batches")
def test_how_far_it_is(database: Database, connection: Connection) -> None:
    assert status(connection) == [], "the engine was never here"
    items(database, 500)
    told: list[Mapping[str, Any]] = []

    def watch(event: Mapping[str, Any]) -> None:
        told.append(event)
        if len(told) == 1:
            with session(database) as other:
                seen.extend(status(other))

    seen: list[Any] = []
    with running(Run(on_progress=watch)):
        run(connection, doubling())
    (under_way,) = seen
    assert (under_way.name, under_way.table, under_way.revision) == ("items_twice", "public.items", "0002")
    assert 0 < under_way.rows_done < 500 == under_way.rows_estimated
    assert (under_way.proven, under_way.ranges, under_way.ranges_finished) == (False, 1, 0)
    (done,) = status(connection)
    assert (done.proven, done.rows_done, done.rate, done.seconds_left) == (True, 500, None, None)
