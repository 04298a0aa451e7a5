"""What is seen of a database while a release is under way."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from seachange.rehearsal.observers import Observer, shown
from seachange.rehearsal.stage.postgres import PostgresServer
from tests.servers.server import started

PRIVATE = "Main Street"


@pytest.fixture
def dsn(postgres: PostgresServer) -> Iterator[str]:
    name = f"observed_{secrets.token_hex(4)}"
    postgres.create_database(name)
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (id bigint PRIMARY KEY, address text)")
        connection.execute("INSERT INTO customers SELECT n, 'nowhere' FROM generate_series(1, 20000) n")
    yield postgres.dsn(name)
    postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def until(happened: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def write_log(path: Path, *events: tuple[float, dict[str, object]]) -> Path:
    lines = [f"{at:.3f} {json.dumps({'service': 'seachange-migrations', **event})}" for at, event in events]
    path.write_text("\n".join(["1.000 setup plugin", "no number", *lines, '9.000 {"service": "seachange-mig']))
    return path


def test_a_wait_is_seen_with_its_statement_and_who_blocks_it(dsn: str) -> None:
    with (
        Observer(dsn) as observer,
        psycopg.connect(dsn, application_name="the migration") as holder,
        psycopg.connect(dsn, application_name="customers/v1", autocommit=True) as service,
    ):
        holder.execute("LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        update = f"UPDATE customers SET address = '{PRIVATE}' WHERE id = 4711"
        waiting = threading.Thread(target=service.execute, args=(update,))
        started = time.time()
        waiting.start()
        until(lambda: len(observer.seen) >= 3)
        holder.rollback()
        waiting.join()
        ended = time.time()
    assert {seen.waiting for seen in observer.seen} == {1}
    assert {seen.wait.blocked_by for seen in observer.seen} == {"the migration"}
    assert {seen.statement for seen in observer.seen} == {"UPDATE customers SET address = $1 WHERE id = $2"}
    waits = [seen.wait.longest_s for seen in observer.seen]
    assert waits == sorted(waits)
    assert waits[-1] <= ended - started
    assert observer.longest_wait_s(started, ended) == waits[-1]
    assert observer.longest_wait_s(ended, ended + 1) == 0


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"/* {PRIVATE} */ SELECT 'x{PRIVATE}' -- {PRIVATE}", "SELECT $1"),
        ("select  a,\n b from t where c in (1, 2)", "SELECT a, b FROM t WHERE c IN ($1, $2)"),
        (f"INSERT INTO customers (address) VALUES ('{PRIVATE} which PostgreSQL cut o", "INSERT …"),
        ('"quoted', "…"),
        ("", ""),
        (f"SELECT {', '.join(f'column_{n}' for n in range(50))} FROM t", None),
    ],
)
def test_a_statement_is_told_without_values(statement: str, said: str | None) -> None:
    told = shown(statement)
    assert PRIVATE not in told
    assert len(told) <= 121
    if said is None:
        assert told.endswith("…")
    else:
        assert told == said


def test_nobody_waits_in_an_idle_database(dsn: str) -> None:
    with Observer(dsn) as observer:
        until(lambda: len(observer._wal) >= 2)
    assert observer.seen == []


def test_each_revision_has_its_span_and_costs(dsn: str, tmp_path: Path) -> None:
    with Observer(dsn) as observer, psycopg.connect(dsn, autocommit=True) as connection:
        until(lambda: observer._wal)
        start = time.time()
        connection.execute("UPDATE customers SET address = 'somewhere'")
        middle = time.time()
        until(lambda: observer._wal[-1][0] > middle)
        looked = observer._wal[-1][0]
        end = time.time() + 1
    log = write_log(
        tmp_path / "migration.log",
        (start, {"event": "revision_started", "revision": "0002"}),
        (start + 0.01, {"event": "backfilled", "name": "a", "written": 7000}),
        (start + 0.02, {"event": "backfilled", "name": "b", "written": 13000}),
        (looked, {"event": "revision_applied", "revision": "0002", "seconds": 0.1}),
        (looked, {"event": "revision_started", "revision": "0003"}),
        (end, {"event": "revision_applied", "revision": "0003", "seconds": 1}),
        (end, {"event": "revision_started", "revision": "0004"}),
    )
    busy, idle = observer.spans(log)
    assert (busy.revision, busy.rows_backfilled, busy.lock_wait_s) == ("0002", 20000, 0.0)
    assert busy.end - busy.start == pytest.approx(looked - start, abs=0.002)
    # Twenty thousand new row versions of about 40 bytes, and no more than a full image of each page with it.
    assert 800_000 < busy.wal_bytes < 20_000_000
    assert (idle.revision, idle.rows_backfilled) == ("0003", 0)
    assert idle.wal_bytes < 0.1 * busy.wal_bytes


@pytest.mark.slow
def test_a_restart_of_the_server_ends_no_observation() -> None:
    with started() as server, Observer(server.dsn()) as observer:
        until(lambda: observer._wal)
        server.stop()
        server.start()
        known = len(observer._wal)
        until(lambda: len(observer._wal) > known)
    assert observer.wal_bytes(0, time.time()) >= 0


def test_without_a_look_nothing_is_known(tmp_path: Path) -> None:
    observer = Observer("host=nowhere.invalid")
    assert observer.wal_bytes(0, 1) == 0
    assert observer.spans(write_log(tmp_path / "migration.log")) == []
