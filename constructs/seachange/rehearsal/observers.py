"""What goes on in the database while a release is under way: who waits for locks, and what each revision costs."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from seachange.rehearsal.incidents import LockWait
from seachange_migrations.check.parser import NotParsedError, without_values

_EVERY_S = 0.1
_LONGEST_STATEMENT = 120
_WAITS = """
SELECT extract(epoch FROM clock_timestamp() - min(l.waitstart))::float8 AS longest_s, count(DISTINCT l.pid) AS waiting,
       (array_agg(a.query ORDER BY l.waitstart))[1] AS statement,
       (SELECT coalesce(string_agg(DISTINCT coalesce(nullif(b.application_name, ''), 'pid ' || b.pid), ', '), '')
        FROM pg_stat_activity b WHERE b.pid = ANY (pg_blocking_pids((array_agg(l.pid ORDER BY l.waitstart))[1]))) AS blocked_by
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.waitstart IS NOT NULL HAVING count(*) > 0
"""


@dataclass(frozen=True, kw_only=True)
class Span:
    """One revision's time and cost; times are epoch seconds.

    Attributes:
        lock_wait_s: The longest that anybody was seen to wait for a lock meanwhile.
        wal_bytes: What the whole server wrote to its log meanwhile.
    """

    revision: str
    start: float
    end: float
    lock_wait_s: float
    rows_backfilled: int
    wal_bytes: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One look at the waiting sessions; `statement` is that of the one that waits longest, without values."""

    wait: LockWait
    waiting: int
    statement: str


class Observer:
    """Looks at the database every tenth of a second, in a thread of its own, on a connection of its own.

    Args:
        dsn: Connects as a role that sees all sessions.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="observer", daemon=True)
        self._wal: list[tuple[float, int]] = []
        self.seen: list[Seen] = []

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def wal_bytes(self, start: float, end: float) -> int:
        """What the server wrote to its log between two moments."""
        if not self._wal:
            return 0
        looks = np.array(self._wal)
        # Between two looks as if written evenly: a revision may begin and end there.
        before, after = np.interp([start, end], looks[:, 0], looks[:, 1])
        return round(float(after - before))

    def longest_wait_s(self, start: float, end: float) -> float:
        """The longest wait for a lock that was seen between two moments."""
        return max((seen.wait.longest_s for seen in self.seen if start <= seen.wait.at <= end), default=0.0)

    def spans(self, log: Path) -> list[Span]:
        """What each revision took, from the migration's log.

        Args:
            log: Lines of an epoch second and an event of the engine's.
        """
        spans: list[Span] = []
        revision, started, rows = None, 0.0, 0
        for at, event in _events(log):
            match event.get("event"):
                # One that was killed begins again, and goes on with its work: its cost is that of both.
                case "revision_started" if event["revision"] != revision:
                    revision, started, rows = event["revision"], at, 0
                case "backfilled":
                    rows += int(event["written"])
                case "revision_applied":
                    spans.append(
                        Span(
                            revision=str(event["revision"]),
                            start=started,
                            end=at,
                            lock_wait_s=self.longest_wait_s(started, at),
                            rows_backfilled=rows,
                            wal_bytes=self.wal_bytes(started, at),
                        )
                    )
        return spans

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, application_name="rehearsal-observer") as connection:
                    while not self._stop.wait(_EVERY_S):
                        self._look(connection)
            except psycopg.Error:
                # A drill restarts the server: it comes back.
                self._stop.wait(_EVERY_S)

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        at = time.time()
        row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()
        self._wal.append((at, int(row[0]) if row else 0))
        waits = connection.execute(_WAITS).fetchone()
        if waits is not None:
            longest_s, waiting, statement, blocked_by = waits
            wait = LockWait(at=at, longest_s=float(longest_s), blocked_by=blocked_by)
            self.seen.append(Seen(wait=wait, waiting=int(waiting), statement=shown(statement)))


def shown(statement: str) -> str:
    """A statement without its values, in so many characters; the first word of one that cannot be read, as PostgreSQL cuts long ones off."""
    try:
        text = without_values(statement)
    except NotParsedError:
        first = (statement.split() or [""])[0]
        return f"{first} …" if first.isalpha() else "…"
    return text if len(text) <= _LONGEST_STATEMENT else f"{text[:_LONGEST_STATEMENT]}…"


def _events(log: Path) -> list[tuple[float, dict[str, Any]]]:
    found = []
    for line in log.read_text("utf-8", "replace").splitlines():
        at, _, text = line.partition(" ")
        if text.startswith("{") and '"event"' in text:
            try:
                found.append((float(at), json.loads(text)))
            except ValueError:
                # A line that the process had not finished when it was killed.
                continue
    return found
