"""A backfill pauses for what it may not make worse, says why, and goes on."""

import dataclasses
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import pace, pause, pressure, run, status
from seachange_migrations.backfill.pace import Pace, Profile
from seachange_migrations.errors import InvalidRequestError, OutOfTimeError
from seachange_migrations.running import Run, running
from tests.migrations.backfill.examples import doubling, items, left, own_server, session
from tests.migrations.databases import Database

GENTLE = pace.PROFILES["gentle"]

pytestmark = pytest.mark.usefixtures("impatient")


class Watched:
    """A run whose progress is kept, and a pause of which ends when `ends` was called."""

    def __init__(self, ends: Callable[[], object], *, after: int = 2, **run: Any) -> None:
        self.reasons: list[str] = []
        self._ends = ends
        self._after = after
        self.run = Run(on_progress=self._told, **run)

    def _told(self, event: Mapping[str, object]) -> None:
        if event["event"] == "backfill" and event["paused"]:
            self.reasons.append(str(event["paused"]))
            assert event["seconds_left"] is None
            if len(self.reasons) == self._after:
                self._ends()


def with_profile(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    monkeypatch.setitem(pace.PROFILES, "gentle", dataclasses.replace(GENTLE, **changed))


def test_when_asked_to(database: Database, connection: Connection) -> None:
    items(database, 300)
    asked = threading.Event()

    def go_on() -> None:
        pause(other, "items_twice", False)
        asked.set()

    watched = Watched(go_on)
    looks = iter(range(10_000))

    def ask() -> float:
        if next(looks) == 1:
            pause(other, "items_twice", True)
            assert status(other)[0].paused
        return 60.0

    with session(database) as other:
        watched.run.time_left = ask
        with running(watched.run):
            run(connection, doubling())
        with pytest.raises(InvalidRequestError, match="knows of no backfill 'nothing'"):
            pause(other, "nothing", True)
    assert asked.is_set()
    assert watched.reasons == ["asked to", "asked to"]
    assert left(database) == 0


def test_a_pause_ends_with_the_time_of_the_call(database: Database, connection: Connection) -> None:
    items(database, 300)
    with (
        running(Run(free_storage=lambda: 1e6, time_left=iter([60.0, 60.0, 0.0]).__next__)),
        pytest.raises(OutOfTimeError, match=r"items_twice has written 0 rows .* it pauses: 1 MiB of storage are left"),
    ):
        run(connection, doubling())
    run(connection, doubling())
    assert left(database) == 0


def test_when_storage_is_low(database: Database, connection: Connection) -> None:
    items(database, 300)
    free = iter([10 * 2**30, 2**30, 2**30])
    with running(Watched(lambda: None, free_storage=lambda: next(free, 10 * 2**30)).run) as under_way:
        told: list[Any] = []
        under_way.on_progress = told.append
        run(connection, doubling())
    assert [event["paused"] for event in told if event.get("paused")] == ["1.0 GiB of storage are left"] * 2
    assert left(database) == 0


def test_when_the_log_grows_fast(database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(monkeypatch, wal_bytes_per_s=16e6)
    items(database, 300)
    written: list[float] = []

    def others_write() -> float:
        if len(written) < 3:
            database.rows("SELECT pg_logical_emit_message(false, 'test', repeat('x', 8000000))")
            written.append(time.monotonic())
        return 60.0

    watched = Watched(lambda: None)
    watched.run.time_left = others_write
    with running(watched.run):
        run(connection, doubling())
    assert watched.reasons
    assert all(reason.startswith("the log grows by ") for reason in watched.reasons)
    assert left(database) == 0


@contextmanager
def receiving(database: Database) -> Iterator[subprocess.Popen[bytes]]:
    """A replica of the log alone, `pg_receivewal`; whoever stops it makes it lag."""
    server = database.server
    with tempfile.TemporaryDirectory(prefix="seachange-test-") as folder:
        process = subprocess.Popen(
            [
                server.installation / "bin" / "pg_receivewal",
                "-D",
                folder,
                "-d",
                f"{server.dsn()} application_name=standby",
                "-s",
                "1",
            ],
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )
        try:
            while not database.rows("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"):
                time.sleep(0.05)
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait()


@pytest.mark.slow
def test_while_a_replica_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(monkeypatch, lag_bytes=1e6, wal_bytes_per_s=1e12)
    with own_server() as database, receiving(database) as replica:
        items(database, 300)
        replica.send_signal(signal.SIGSTOP)
        # What the sockets hold does not count as sent.
        database.rows("SELECT pg_logical_emit_message(true, 'test', repeat('x', 40000000))")
        watched = Watched(lambda: replica.send_signal(signal.SIGCONT))
        with session(database) as connection, running(watched.run):
            run(connection, doubling())
        assert watched.reasons
        assert all(reason.startswith("replica standby lags by ") for reason in watched.reasons)
        assert left(database) == 0


@pytest.mark.slow
def test_while_a_slot_is_about_to_lose_what_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    with_profile(monkeypatch, wal_bytes_per_s=1e12)
    with own_server(max_slot_wal_keep_size="16MB") as database:
        items(database, 300)
        database.rows("SELECT pg_create_physical_replication_slot('reader', true)")
        for _ in range(6):
            database.rows("SELECT pg_logical_emit_message(true, 'test', 'x'); SELECT pg_switch_wal()")
        watched = Watched(lambda: database.rows("SELECT pg_drop_replication_slot('reader')"))
        with session(database) as connection, running(watched.run):
            run(connection, doubling())
        assert watched.reasons == ["slot reader is about to lose log that its reader needs"] * 2
        assert left(database) == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"replica": "r", "lag_bytes": 65e6, "lag_s": 1}, "replica r lags by 62 MiB"),
        ({"replica": "r", "lag_bytes": 100, "lag_s": 11}, "replica r lags by 11 s"),
        ({"replica": "r", "lag_bytes": 0, "lag_s": 11}, None),
        ({"replica": "r", "lag_bytes": 63e6, "lag_s": 9}, None),
        ({"replica": "r", "lag_bytes": None, "lag_s": None}, None),
    ],
)
def test_how_far_a_replica_may_lag(row: Mapping[str, Any], reason: str | None) -> None:
    assert pressure.replica_lags(row, GENTLE) == reason


def test_the_pace_follows_the_time_that_a_batch_took() -> None:
    half = dataclasses.replace(GENTLE, target_s=0.04, duty=0.5)
    steady = Pace(half, 5_000)
    assert steady.took(0.04, steady.rows) == pytest.approx(0.04)
    assert steady.rows == 500
    sizes = [steady.rows for _ in range(6) if steady.took(0.001, steady.rows) >= 0]
    assert sizes == [1_000, 2_000, 4_000, 5_000, 5_000, 5_000]
    for _ in range(20):
        steady.took(10.0, steady.rows)
    assert steady.rows == 50
    steady.took(0.001, steady.rows - 1)
    assert steady.rows == 50, "the last page of a range says nothing"


def test_whoever_asks_for_nothing_gets_gentle() -> None:
    assert Run().profile == "gentle"
    assert pace.MOST_ROWS == 5_000


@pytest.mark.parametrize("profile", pace.PROFILES.values())
def test_a_transaction_takes_no_longer_than_writers_bear(profile: Profile) -> None:
    assert 0.025 <= profile.target_s <= 0.050
    assert 0 < profile.duty <= 1
