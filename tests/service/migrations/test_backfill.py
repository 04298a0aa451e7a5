"""The backfill converts every row, resumes after it is killed, waits for no writer, and takes nothing for done unseen."""

import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.util import CommandError

from seachange.rehearsal.data import compare

pytestmark = pytest.mark.slow

SERVICE = Path(__file__).parents[3] / "service"
REPORT = "seachange.rows_backfilled"
BEHIND = """
    SELECT count(*) FROM customers
    WHERE ROW(street_address, city, state, zip_code)::record *<> public.customers_address_forward(address)
"""


@pytest.fixture
def seeded(database: Any) -> Any:
    """6,000 customers of release v1: 5,700 with an address."""
    database.upgrade("0001")
    with database.connect() as connection:
        connection.execute("SELECT set_config('seachange.rows', '6000', false)")
        connection.execute((SERVICE / "seed.sql").read_bytes())
    database.upgrade("0002")
    return database


@contextmanager
def locked(database: Any, number: int) -> Iterator[None]:
    """A customer held by another session's open transaction."""
    with database.connect() as connection:
        connection.execute("SELECT FROM customers WHERE id = %s FOR UPDATE", [number])
        yield


def views_agree(database: Any) -> bool:
    views = tomllib.loads((SERVICE / "rehearsal.toml").read_text("utf-8"))["views"]
    result = compare(database.dsn, views["blue"], views["green"])
    return result.rows_checked > 0 and result.divergent == 0


def test_every_row_is_converted_and_counted(seeded: Any) -> None:
    config = seeded.upgrade("expand@head")
    assert config.attributes[REPORT] == 5700
    assert seeded.execute(BEHIND) == [(0,)]
    assert views_agree(seeded)
    assert seeded.execute("SELECT version_num FROM alembic_version") == [("0003",)]
    assert seeded.execute("SELECT count(*) FROM customers WHERE updated_at <> created_at") == [(0,)]


def test_it_goes_on_where_it_was_killed(seeded: Any) -> None:
    """A row that is held keeps the first run from ending, so that it is killed with the most part done."""
    failures: list[BaseException] = []

    def first_run() -> None:
        try:
            seeded.upgrade("expand@head")
        except psycopg.Error as error:
            failures.append(error)
        except Exception as error:  # noqa: BLE001 - SQLAlchemy's, of the same cause
            failures.append(error)

    thread = threading.Thread(target=first_run)
    with locked(seeded, 6):
        thread.start()
        deadline = time.monotonic() + 20
        while seeded.execute(BEHIND) != [(1,)]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        # Again until it hits: a session is told by its last query, and the run has several.
        while thread.is_alive():
            assert time.monotonic() < deadline
            seeded.execute("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND query LIKE '%AS behind%' AND pid <> pg_backend_pid()
            """)
            thread.join(0.02)
    assert len(failures) == 1
    assert seeded.execute("SELECT version_num FROM alembic_version") == [("0002",)]
    assert seeded.upgrade("expand@head").attributes[REPORT] == 1
    assert views_agree(seeded)


def test_a_half_done_batch_is_rolled_back_whole(seeded: Any) -> None:
    seeded.execute("ALTER TABLE customers ADD CONSTRAINT refuse CHECK (id <> 2500 OR city IS NULL)")
    seeded.execute("UPDATE customers SET address = '1 Main St, Springfield, IL, 62701', city = NULL WHERE id = 1")
    seeded.execute("ALTER TABLE customers DISABLE TRIGGER USER")
    seeded.execute("UPDATE customers SET address = '1 Main St, Springfield, IL, 62701' WHERE id = 2500")
    seeded.execute("ALTER TABLE customers ENABLE TRIGGER USER")
    with pytest.raises(Exception, match="refuse"):
        seeded.upgrade("expand@head")
    # Two pages are committed, the third is not.
    assert seeded.execute("SELECT count(*), max(id) FROM customers WHERE street_address IS NOT NULL") == [(1900, 1999)]
    seeded.execute("ALTER TABLE customers DROP CONSTRAINT refuse")
    assert seeded.upgrade("expand@head").attributes[REPORT] == 3801
    assert views_agree(seeded)


def test_rows_in_use_are_taken_later_and_no_writer_waits_for_the_end(seeded: Any) -> None:
    thread = threading.Thread(target=seeded.upgrade, args=("expand@head",))
    with locked(seeded, 3001):
        thread.start()
        time.sleep(1)
        assert thread.is_alive()
    thread.join(20)
    assert not thread.is_alive()
    assert views_agree(seeded)


def test_rows_that_stay_locked_end_it_with_a_reason(seeded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() * 200)  # its patience of 60 s in 0.3 s
    with locked(seeded, 3001), pytest.raises(CommandError, match=r"^1 rows of customers have been locked"):
        seeded.upgrade("expand@head")


def test_writers_during_the_backfill_lose_nothing(seeded: Any) -> None:
    stop = threading.Event()
    written: dict[int, str] = {}

    def write(offset: int) -> None:
        index = 0
        with seeded.connect(autocommit=True) as connection:
            while not stop.is_set():
                number = (offset + index * 37) % 3000 * 2 + 1 + offset  # each writer its own rows
                text = f"{index} Main St, Austin, TX, 73301" if index % 2 else f"c/o {index}"
                connection.execute("UPDATE customers SET address = %s WHERE id = %s", [text, number])
                written[number] = text
                index += 1

    threads = [threading.Thread(target=write, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    seeded.upgrade("expand@head")
    stop.set()
    for thread in threads:
        thread.join()
    assert views_agree(seeded)
    now = dict(seeded.execute("SELECT id, address FROM customers"))
    assert {number: now.get(number) for number in written if number <= 6000} == {
        number: text for number, text in written.items() if number <= 6000
    }


def test_what_waits_for_repair_is_left_alone(seeded: Any) -> None:
    seeded.execute("ALTER TABLE customers DISABLE TRIGGER USER")
    seeded.execute("UPDATE customers SET city = 'kept' WHERE id = 11")
    seeded.execute("ALTER TABLE customers ENABLE TRIGGER USER")
    seeded.execute("SELECT public.customers_address_to_repair(11, 'original', 'a test')")
    seeded.upgrade("expand@head")
    assert seeded.execute("SELECT city FROM customers WHERE id = 11") == [("kept",)]
