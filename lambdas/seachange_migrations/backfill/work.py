"""Works on one range of a backfill until a pass over it finds no row behind."""

import time
from collections import deque

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from seachange_migrations.backfill import pace, store
from seachange_migrations.backfill.batch import Batches, Done
from seachange_migrations.backfill.errors import BackfillFailedError, RowsBusyError
from seachange_migrations.backfill.holders import holders
from seachange_migrations.backfill.pace import Pace
from seachange_migrations.backfill.pressure import Pressure
from seachange_migrations.backfill.progress import Progress
from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.statements import Key
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.triggers import users_triggers
from seachange_migrations.errors import OutOfTimeError, UnreachableError
from seachange_migrations.failures import drivers_words, gave_way, was_canceled
from seachange_migrations.running import Run

# Longer than the transactions that a busy service survives; then it is said who holds the rows.
PATIENCE_S = 300.0
# A call ends this long before its time does: a batch, its commit and the answer fit into it.
RESERVE_S = 2.0
# Between two looks at what else the server has to bear, and while it bears too much.
LOOK_EVERY_S = 0.5
PAUSE_S = 0.1
# After a batch that somebody waited for, so that whoever waits goes first.
WAITED_FOR_S = 0.1
FIRST_RETRY_S, LONGEST_RETRY_S = 0.05, 2.0
LOOKS_IN_VAIN = 5


class Worker:
    """Does the range `number` of `backfill` on `connection`, which autocommits."""

    def __init__(self, connection: Connection, backfill: Backfill, table: Table, number: int, run: Run) -> None:
        self._connection = connection
        self._backfill = backfill
        self._table = table
        self._run = run
        self._number = number
        profile = pace.PROFILES[run.profile]
        self._batches = Batches(connection, backfill, table, number)
        self._writing, self._reading = Pace(profile, pace.MOST_ROWS), Pace(profile, pace.MOST_ROWS_READ)
        self._pace = self._writing
        self._pressure = Pressure(connection, profile, name=backfill.name, oid=table.oid, free_storage=run.free_storage)
        self._dense = False
        self._looked_at = -LOOK_EVERY_S
        self._moved_at = time.monotonic()
        self._in_vain = 0

    def work(self, *, once: bool = False) -> int:
        """Returns the rows written, once a whole pass has found none; or after one pass, where it is looked at again anyway.

        Raises OutOfTimeError, after which another call goes on; RowsBusyError; BackfillFailedError; UnreachableError.
        """
        ranges = len(store.numbers(self._connection, self._backfill.name)) if self._number != store.WHOLE else 1
        self._progress = Progress(
            self._run.on_progress,
            name=self._backfill.name,
            table=self._table.shown,
            number=self._number,
            ranges=ranges,
            estimated=store.rows_estimated(self._connection, self._backfill.name) // max(1, ranges),
        )
        try:
            while not self._finished_pass() and not once:
                pass
        except DBAPIError as error:
            raise self._in_words(error) from error
        return self._progress.written

    def _finished_pass(self) -> bool:
        """One pass; whether it found nothing. What was another's is asked for again before the pass ends."""
        found = store.read_range(self._connection, self._backfill.name, self._number)
        if found.finished:
            return True
        self._passes, self._seen = found.passes, found.seen
        # A backfill whose update is in vain is told at its first batch, and in all passes in which few rows are left.
        check = True
        left: deque[tuple[Key | None, Key]] = deque()
        cursor = found.cursor or found.lower
        while True:
            done = self._batch(cursor, found.upper, check=check or found.passes > 0)
            if done is None:
                continue
            if done.last is None:
                break
            self._seen += done.rows
            if done.skipped:
                left.append((cursor, done.last))
            check, cursor = check and not done.written, done.last
        self._take_what_was_left(left)
        return store.end_pass(self._connection, self._backfill.name, self._number)

    def _take_what_was_left(self, left: deque[tuple[Key | None, Key]]) -> None:
        """Looks again, and ever more seldom, at the pages in which rows were another's, until they are done."""
        wait = FIRST_RETRY_S
        while left:
            for _ in range(len(left)):
                page = left.popleft()
                if not self._page_again(*page):
                    left.append(page)
            if left:
                self._rest(wait)
                wait = min(2 * wait, LONGEST_RETRY_S)

    def _page_again(self, lower: Key | None, upper: Key) -> bool:
        """Whether all of a page is in step now."""
        clean = True
        while (done := self._batch(lower, upper, again=True, check=True)) is not None and done.last:
            clean = clean and not done.skipped
            lower = done.last
        return clean and done is not None

    def _batch(self, lower: Key | None, upper: Key | None, *, check: bool, again: bool = False) -> Done | None:
        """One batch and its rest; None when it had to give way to the holder of the table."""
        self._pause_while_needed()
        started = time.monotonic()
        try:
            done = self._take(lower, upper, check=check, again=again)
        except DBAPIError as error:
            if not gave_way(error):
                raise
            self._writing.give_way()
            self._must_move()
            self._rest(FIRST_RETRY_S)
            return None
        self._dense = done.dense
        self._run.rows_backfilled += done.written
        self._progress.written += done.written
        rest = self._pace.took(time.monotonic() - started, done.rows)
        self._pace = self._writing if done.written or done.skipped else self._reading
        if done.waiting:
            self._writing.give_way()
            rest = max(rest, WAITED_FOR_S)
        if done.written or not again:
            self._moved_at = time.monotonic()
        else:
            if done.rows:
                self._require_effect(done)
            self._must_move()
        self._tell()
        self._rest(rest)
        return done

    def _take(self, lower: Key | None, upper: Key | None, *, check: bool, again: bool) -> Done:
        """One batch, by the sync's shortcut, or the trigger's way where a row of it does not convert."""

        def take(*, quick: bool) -> Done:
            return self._batches.take(
                lower,
                upper,
                self._pace.rows,
                rate=self._progress.rate(self._seen),
                dense=self._dense and not again,
                again=again,
                check=check,
                quick=quick,
            )

        if self._backfill.shortcut is None:
            return take(quick=False)
        try:
            return take(quick=True)
        except DBAPIError as error:
            if gave_way(error) or was_canceled(error) or error.connection_invalidated:
                raise
            return take(quick=False)

    def _pause_while_needed(self) -> None:
        self._keep_time(None)
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        paused_at = time.monotonic()
        while (reason := self._pressure.reason()) is not None:
            self._tell(paused=reason)
            self._keep_time(reason)
            time.sleep(PAUSE_S)
        self._looked_at = time.monotonic()
        self._moved_at += self._looked_at - paused_at

    def _keep_time(self, reason: str | None) -> None:
        if self._run.time_left() > RESERVE_S:
            return
        why = f"; it pauses: {reason}" if reason else ""
        raise OutOfTimeError(
            f"backfill {self._backfill.name} has written {self._progress.written:,} rows in this call{why}; the next goes on "
            "from there"
        )

    def _require_effect(self, done: Done) -> None:
        """Raises BackfillFailedError once rows that it can lock stay as they are, look after look, while nobody else has the table open.

        Who shares the lock of a row, as a foreign key's check does, keeps it from being written for a moment; a trigger does for ever.
        """
        is_skipped = done.in_vain and not holders(self._connection, self._table.oid)
        self._in_vain = self._in_vain + 1 if is_skipped else 0
        if self._in_vain < LOOKS_IN_VAIN:
            return
        found = users_triggers(self._connection, self._backfill, self._table)
        raise BackfillFailedError(
            f"backfill {self._backfill.name} would never end: {done.skipped} of the rows of {self._table.shown} up to key "
            f"({', '.join(done.last or ())}) are locked by nobody, and its UPDATE leaves them out: {'; '.join(found) or 'a rule'} skips "
            "them. Let it pass them on, or bring those rows in step by hand, then run the migration again: it goes on where it stopped."
        )

    def _must_move(self) -> None:
        waited_s = time.monotonic() - self._moved_at
        if waited_s > PATIENCE_S:
            raise RowsBusyError(
                self._backfill.name,
                self._table.shown,
                waited_s=waited_s,
                holders=holders(self._connection, self._table.oid),
            )

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def _tell(self, *, paused: str | None = None) -> None:
        self._progress.tell(
            passes=self._passes,
            seen=self._seen,
            rate=self._progress.rate(self._seen),
            batch_rows=self._pace.rows,
            paused=paused,
        )

    def _in_words(self, error: DBAPIError) -> Exception:
        name = self._backfill.name
        if error.connection_invalidated:
            return UnreachableError(
                f"the connection was lost during backfill {name}: {drivers_words(error, 300)}. What was committed "
                "stays; run the migration again, it goes on from there."
            )
        return BackfillFailedError(
            f"backfill {name} failed on {self._table.shown}: {drivers_words(error, 500)}. The batches before it "
            "are committed and stay; mend the row or the backfill, then run it again: it goes on where it stopped."
        )
