"""Applies revisions one by one, each in its own transaction, and lets nobody queue behind a lock that does not come."""

import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import MigrationError, OutOfTimeError, RevisionFailedError, TableBusyError
from seachange_migrations.failures import describe, describe_too_long, gave_way, was_canceled
from seachange_migrations.locks import LockWatch
from seachange_migrations.running import Run, TimeLeft

LOCK_TIMEOUT_MS = 2_000
TRIES = 12
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0

# A revision that was canceled with all but the whole time of a call before it fits into none.
ALL_BUT_WHOLE = 0.9
# How far the time left may fall below the statement timeout before it is set anew, which takes a round trip.
TIMEOUT_SLACK_S = 5.0

# A stricter one, of the role or of the revision itself, stays.
LIMIT_STATEMENTS = """
SELECT set_config('statement_timeout', '{limit_ms}', true) FROM pg_settings
WHERE name = 'statement_timeout' AND setting::bigint NOT BETWEEN 1 AND {limit_ms}
"""


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies revisions of `directory`; `watch` samples who blocks, `run` says when to stop between statements."""

    directory: MigrationDirectory
    watch: LockWatch
    run: Run

    def apply(self, revisions: Sequence[str], *, first_comment: str | None = None) -> None:
        """Applies `revisions` in this order; `first_comment` is set on the version table together with the first.

        Raises RevisionFailedError, TableBusyError or OutOfTimeError; what was applied before stays.
        """
        comment = first_comment
        whole_s = self.run.time_left()
        for number, revision in enumerate(revisions):
            started = time.monotonic()
            self.run.revision = revision
            self.run.on_progress({"event": "revision_started", "revision": revision})
            try:
                self._apply_patiently(revision, comment, whole_s)
            except OutOfTimeError as error:
                raise OutOfTimeError(f"{number} of {len(revisions)} revisions are applied; {error}") from error
            seconds = round(time.monotonic() - started, 3)
            self.run.on_progress({"event": "revision_applied", "revision": revision, "seconds": seconds})
            self.run.revision = ""
            comment = None

    def _apply_patiently(self, revision: str, comment: str | None, whole_s: float) -> None:
        """Tries again when a lock does not come: the whole transaction is rolled back, so no lock is held meanwhile."""
        pause = FIRST_PAUSE_S
        for attempt in range(1, TRIES + 1):
            if self._apply_once(revision, comment, whole_s):
                return
            blockers = [str(blocker) for blocker in self.watch.blockers.values()]
            self.watch.blockers.clear()
            if attempt == TRIES:
                raise TableBusyError(revision, tries=TRIES, timeout_s=LOCK_TIMEOUT_MS / 1000, blockers=blockers)
            wait = round(pause * random.uniform(0.5, 1), 2)
            tried = {"event": "lock_timeout", "revision": revision, "attempt": attempt}
            self.run.on_progress({**tried, "blocked_by": blockers, "retry_in_s": wait})
            if self.run.time_left() < wait + LOCK_TIMEOUT_MS / 1000:
                raise OutOfTimeError(
                    f"revision {revision} waits for a lock; blocked by {'; '.join(blockers) or 'nobody now'}"
                )
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _apply_once(self, revision: str, comment: str | None, whole_s: float) -> bool:
        """Whether `revision` is applied; False when it had to give way to the holder of a lock."""
        had_s = self.run.time_left()
        with safe_transactions(self.watch, self.run.time_left) as commits:
            try:
                self.directory.upgrade(revision, comment=comment)
            except MigrationError:
                raise
            except Exception as error:
                if gave_way(error):
                    return False
                if was_canceled(error) and self.run.time_left() <= 0:
                    if commits or had_s < ALL_BUT_WHOLE * whole_s:
                        raise OutOfTimeError(f"revision {revision} did not end in time and is begun again") from error
                    too_long = describe_too_long(revision, error, limit_s=whole_s)
                    raise RevisionFailedError(too_long, revision=revision) from error
                raise RevisionFailedError(describe(revision, error, commits=len(commits)), revision=revision) from error
        return True


@contextmanager
def safe_transactions(watch: LockWatch, time_left: TimeLeft) -> Iterator[list[Connection]]:
    """While it lasts, every transaction of every SQLAlchemy engine begins with a lock timeout, an env.py's own included.

    Yields the commits that are made inside. Once `time_left` is used up PostgreSQL cancels the statement that runs, but
    for one outside a transaction, and the next statement raises OutOfTimeError.
    """
    commits: list[Connection] = []
    limits: dict[Connection, float] = {}

    def limit_statements(connection: Connection, left_s: float) -> None:
        limits[connection] = left_s
        connection.exec_driver_sql(LIMIT_STATEMENTS.format(limit_ms=max(1, math.ceil(left_s * 1000))))

    def begin(connection: Connection) -> None:
        if connection.dialect.name != "postgresql":
            return
        limits.pop(connection, None)
        watch.follow(_backend_pid(connection))
        if getattr(connection.connection.dbapi_connection, "autocommit", False):
            return  # a CREATE INDEX CONCURRENTLY that a timeout cancels leaves an invalid index behind
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        if math.isfinite(left_s := time_left()):
            limit_statements(connection, left_s)

    def before_cursor_execute(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        left_s = time_left()
        if left_s <= 0:
            raise OutOfTimeError(
                "the time for this call is used up; what was committed stays, the next goes on from there"
            )
        # In a transaction that has failed PostgreSQL takes nothing but the way back.
        if left_s < limits.get(connection, 0) - TIMEOUT_SLACK_S and not statement.lstrip().startswith("ROLLBACK"):
            limit_statements(connection, left_s)

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
