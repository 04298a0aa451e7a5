"""Applies revisions one by one, each in its own transaction, and lets nobody queue behind a lock that does not come."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import MigrationError, OutOfTimeError, RevisionFailedError, TableBusyError
from seachange_migrations.failures import describe, gave_way
from seachange_migrations.locks import LockWatch
from seachange_migrations.report import OnProgress

LOCK_TIMEOUT_MS = 2_000
TRIES = 12
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0

TimeLeft = Callable[[], float]
"""The seconds that remain for this call."""


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies revisions of `directory`; `watch` samples who blocks, `time_left` says when to stop between statements."""

    directory: MigrationDirectory
    watch: LockWatch
    on_progress: OnProgress
    time_left: TimeLeft

    def apply(self, revisions: Sequence[str], *, first_comment: str | None = None) -> None:
        """Applies `revisions` in this order; `first_comment` is set on the version table together with the first.

        Raises RevisionFailedError, TableBusyError or OutOfTimeError; what was applied before stays.
        """
        comment = first_comment
        for revision in revisions:
            started = time.monotonic()
            self.on_progress({"event": "revision_started", "revision": revision})
            self._apply_patiently(revision, comment)
            seconds = round(time.monotonic() - started, 3)
            self.on_progress({"event": "revision_applied", "revision": revision, "seconds": seconds})
            comment = None

    def _apply_patiently(self, revision: str, comment: str | None) -> None:
        """Tries again when a lock does not come: the whole transaction is rolled back, so no lock is held meanwhile."""
        pause = FIRST_PAUSE_S
        for attempt in range(1, TRIES + 1):
            if self._apply_once(revision, comment):
                return
            blockers = [str(blocker) for blocker in self.watch.blockers.values()]
            self.watch.blockers.clear()
            if attempt == TRIES:
                raise TableBusyError(revision, tries=TRIES, timeout_s=LOCK_TIMEOUT_MS / 1000, blockers=blockers)
            wait = round(pause * random.uniform(0.5, 1), 2)
            tried = {"event": "lock_timeout", "revision": revision, "attempt": attempt}
            self.on_progress({**tried, "blocked_by": blockers, "retry_in_s": wait})
            if self.time_left() < wait + LOCK_TIMEOUT_MS / 1000:
                raise OutOfTimeError(
                    f"revision {revision} waits for a lock; blocked by {'; '.join(blockers) or 'nobody now'}"
                )
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _apply_once(self, revision: str, comment: str | None) -> bool:
        """Whether `revision` is applied; False when it had to give way to the holder of a lock."""
        with safe_transactions(self.watch, self.time_left) as commits:
            try:
                self.directory.upgrade(revision, comment=comment)
            except MigrationError:
                raise
            except Exception as error:
                if gave_way(error):
                    return False
                raise RevisionFailedError(describe(revision, error, commits=len(commits)), revision=revision) from error
        return True


@contextmanager
def safe_transactions(watch: LockWatch, time_left: TimeLeft) -> Iterator[list[Connection]]:
    """While it lasts, every transaction of every SQLAlchemy engine begins with a lock timeout, an env.py's own included.

    Yields the commits that are made inside. Once `time_left` is used up the next statement raises OutOfTimeError.
    """
    commits: list[Connection] = []

    def begin(connection: Connection) -> None:
        if connection.dialect.name != "postgresql":
            return
        watch.follow(_backend_pid(connection))
        if getattr(connection.connection.dbapi_connection, "autocommit", False):
            return  # a CREATE INDEX CONCURRENTLY that a lock timeout cancels leaves an invalid index behind
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")

    def before_cursor_execute(*_: Any) -> None:
        if time_left() <= 0:
            raise OutOfTimeError(
                "the time for this call is used up; what was committed stays, the next goes on from there"
            )

    listeners = (("begin", begin), ("commit", commits.append), ("before_cursor_execute", before_cursor_execute))
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield commits
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)


def _backend_pid(connection: Connection) -> int:
    remembered = connection.connection.info
    if "seachange.pid" not in remembered:
        remembered["seachange.pid"] = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    return int(remembered["seachange.pid"])
