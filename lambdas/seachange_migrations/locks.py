"""The lock that keeps deployers apart, and the watch over the locks that migrations wait for."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from sqlalchemy import Connection, text

from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import LockHeldError, one_line
from seachange_migrations.report import OnProgress

POLL_S = 0.5
SAMPLE_S = 0.05
QUERY_LENGTH = 120

# Cheap, and nearly always empty; only then the locks are read.
WAITING = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event_type = 'Lock'"
BLOCKERS = """
SELECT coalesce(extract(epoch FROM clock_timestamp() - l.waitstart) * 1000, 0)::float,
       b.pid, coalesce(b.application_name, ''), coalesce(b.usename, ''),
       extract(epoch FROM clock_timestamp() - b.xact_start)::float, coalesce(left(b.query, %s), '')
FROM pg_locks l
CROSS JOIN LATERAL unnest(pg_blocking_pids(l.pid)) AS blocker(pid)
JOIN pg_stat_activity b ON b.pid = blocker.pid
WHERE l.pid = ANY(%s) AND NOT l.granted
"""
# Of an advisory lock's key pg_locks shows the two halves.
HOLDER = """
SELECT format('pid %%s (%%s, role %%s)', a.pid, a.application_name, a.usename)
       || coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', '", connected since" YYYY-MM-DD HH24:MI:SS "UTC"'), '')
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = %s
"""


@dataclass(frozen=True)
class Blocker:
    """A session that holds a lock we wait for.

    Age and query are unknown to a role that may not read other roles' statistics.
    """

    pid: int
    application: str
    user: str
    age_s: float | None
    query: str

    def __str__(self) -> str:
        age = "of unknown age" if self.age_s is None else f"open for {self.age_s:.0f} s"
        who = self.application or "no application_name"
        return f"pid {self.pid} ({who}, role {self.user}, transaction {age}): {' '.join(self.query.split())}"


def lock_key(database: str) -> int:
    """The key of the advisory lock under which one deployer migrates `database`."""
    return int.from_bytes(hashlib.sha256(f"seachange-migrations/{database}".encode()).digest()[:8], signed=True)


def lock_held(database: str, holder: object) -> LockHeldError:
    """The one line for a migration lock that is taken; `holder` is what HOLDER found, None when it has just gone."""
    return LockHeldError(
        f"another deployer migrates database {database!r}: {holder or 'it has just finished'}; "
        "it is asked again until that one has finished"
    )


@contextmanager
def advisory_lock(
    connection: Connection, database: str, *, patience_s: float, on_progress: OnProgress
) -> Iterator[None]:
    """Holds the migration lock of `database` on `connection`, the one that does the work.

    Raises LockHeldError after `patience_s` seconds. It is polled outside any transaction: a session that waits inside
    `pg_advisory_lock()` holds a snapshot, which a CREATE INDEX CONCURRENTLY of the other deployer would wait for.
    """
    key = lock_key(database)
    give_up = time.monotonic() + patience_s
    said = False
    while not _autocommitted(connection, "SELECT pg_try_advisory_lock(:key)", key):
        if time.monotonic() >= give_up:
            raise lock_held(database, _holder(connection, key))
        if not said:
            holder = _holder(connection, key)
            on_progress({"event": "waiting_for_deployer", "database": database, "holder": holder})
            said = True
        time.sleep(POLL_S)
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            _autocommitted(connection, "SELECT pg_advisory_unlock(:key)", key)


def _holder(connection: Connection, key: int) -> str | None:
    holder = connection.exec_driver_sql(HOLDER, (key,)).scalar()
    connection.rollback()
    return holder


def _autocommitted(connection: Connection, statement: str, key: int) -> bool:
    connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        return bool(connection.scalar(text(statement), {"key": key}))
    finally:
        connection.rollback()
        connection.execution_options(isolation_level=connection.default_isolation_level)


class LockWatch:
    """Samples, from a session of its own, what the followed backends wait for.

    Who blocks can only be asked while the wait lasts: a lock timeout ends it.
    """

    def __init__(self, settings: ConnectionSettings, on_progress: OnProgress) -> None:
        self.longest_wait_ms = 0.0
        self.blockers: dict[int, Blocker] = {}
        self._settings = settings
        self._on_progress = on_progress
        self._pids: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="seachange-lock-watch", daemon=True)

    def follow(self, pid: int) -> None:
        self._pids.add(pid)

    def __enter__(self) -> Self:
        self._connection = connect(self._settings)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._connection.close()

    def _sample(self) -> None:
        try:
            while not self._stop.wait(SAMPLE_S):
                self._sample_once(list(self._pids))
        except psycopg.Error as error:
            # The work goes on without; if the server is gone, it notices by itself.
            self._on_progress({"event": "lock_watch_ended", "reason": one_line(error)})

    def _sample_once(self, pids: list[int]) -> None:
        if not self._connection.execute(WAITING, [pids]).fetchone():
            return
        for waited_ms, *blocker in self._connection.execute(BLOCKERS, [QUERY_LENGTH, pids]):
            self.longest_wait_ms = max(self.longest_wait_ms, waited_ms)
            self.blockers[blocker[0]] = Blocker(*blocker)
