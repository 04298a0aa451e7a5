"""Applies revisions one by one, each in its own transaction, and lets nobody queue behind a lock that does not come."""

import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from seachange_migrations import safety as limits
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import MigrationError, OutOfTimeError, RevisionFailedError, TableBusyError
from seachange_migrations.failures import describe, describe_too_long, gave_way, was_canceled
from seachange_migrations.journal import Journal
from seachange_migrations.locks import LockWatch
from seachange_migrations.promises import require_kept
from seachange_migrations.running import Run
from seachange_migrations.safety import Safety
from seachange_migrations.statements import Statements

TRIES = 12
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0

# A revision that was canceled with all but the whole time of a call before it fits into none.
ALL_BUT_WHOLE = 0.9


@dataclass(frozen=True, kw_only=True)
class Applier:
    """Applies revisions of `directory`; `watch` samples who blocks, `run` says when to stop between statements, `applied` grows.

    With each revision of `serving`, the syncs that stand must keep their promises.
    """

    connection: Connection
    directory: MigrationDirectory
    watch: LockWatch
    run: Run
    serving: Collection[str] = ()
    applied: list[str] = field(default_factory=list)

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
            self.applied.append(revision)
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
                raise TableBusyError(revision, tries=TRIES, timeout_s=limits.LOCK_TIMEOUT_MS / 1000, blockers=blockers)
            wait = round(pause * random.uniform(0.5, 1), 2)
            tried = {"event": "lock_timeout", "revision": revision, "attempt": attempt}
            self.run.on_progress({**tried, "blocked_by": blockers, "retry_in_s": wait})
            if self.run.time_left() < wait + limits.LOCK_TIMEOUT_MS / 1000:
                raise OutOfTimeError(
                    f"revision {revision} waits for a lock; blocked by {'; '.join(blockers) or 'nobody now'}"
                )
            time.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _apply_once(self, revision: str, comment: str | None, whole_s: float) -> bool:
        """Whether `revision` is applied; False when it had to give way to the holder of a lock."""
        had_s = self.run.time_left()

        def committed() -> None:
            nonlocal had_s
            had_s = self.run.time_left()  # what is committed is not begun again

        journal = Journal.load(self.connection, revision)
        safety = Safety(self.watch, self.run.time_left)
        statements = Statements(journal, safety, committed)

        def after(connection: Connection) -> None:
            if revision in self.serving:
                require_kept(connection, journal, commits=statements.commits)

        try:
            with safety.everywhere(), statements.listening():
                self.directory.upgrade(revision, comment=comment, around=statements.inside, after=after)
        except MigrationError:
            raise
        except Exception as error:
            if gave_way(error):
                return False
            if was_canceled(error) and self.run.time_left() <= 0:
                if had_s < ALL_BUT_WHOLE * whole_s:
                    raise OutOfTimeError(f"revision {revision} did not end in time and is begun again") from error
                too_long = describe_too_long(revision, error, limit_s=whole_s)
                raise RevisionFailedError(too_long, revision=revision) from error
            failure = describe(revision, error, commits=statements.commits)
            raise RevisionFailedError(failure, revision=revision) from error
        journal.forget(self.connection)
        return True
