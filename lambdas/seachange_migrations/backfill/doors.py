"""What operations, workers and people ask of backfills."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from seachange_migrations import state
from seachange_migrations.backfill import store, together
from seachange_migrations.backfill.claims import claimed
from seachange_migrations.backfill.errors import BackfillPendingError
from seachange_migrations.backfill.plan import estimate
from seachange_migrations.backfill.ranges import divide
from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.transactions import autocommitting
from seachange_migrations.backfill.work import Worker
from seachange_migrations.errors import LockHeldError, OutOfTimeError
from seachange_migrations.journal import unjournalled
from seachange_migrations.running import current


def run(connection: Connection, backfill: Backfill) -> int:
    """Does the whole of `backfill` on this connection, until a fresh scan in key ranges proves that no row is left.

    Returns the rows that this call wrote, and counts them in the run's `rows_backfilled` batch by batch. `connection` is
    outside of any transaction or autocommits; where it stopped before, it goes on. What the run says of time, profile and
    progress holds. One that was proven before is scanned afresh, which only reads.

    Raises BackfillPendingError when the table has at least the run's `deferred_rows` and no proof is there, OutOfTimeError
    when the next call has to go on, RefusedError or NoKeyError for a table that it cannot do, LockHeldError while another
    session does it, RowsBusyError and BackfillFailedError where people have to help.
    """
    asked = current()
    with _quietly(connection):
        rows = estimate(connection, backfill).rows
        is_proven = store.begin(connection, backfill, rows)
        if rows >= asked.deferred_rows:
            if is_proven:
                return 0
            raise BackfillPendingError(backfill.name, rows)
        if is_proven:
            store.reopen(connection, backfill.name)
        with claimed(connection, backfill.name, store.WHOLE):
            return _fill_and_prove(connection, backfill, 0 if is_proven else rows)


def split(connection: Connection, backfill: Backfill, ranges: int) -> tuple[int, ...]:
    """Splits `backfill` into about `ranges` ranges of its key, by quantiles; returns their numbers, for `run_range`.

    A backfill that is split already stays so. A small table has fewer ranges.
    """
    with _quietly(connection):
        table = Table.read(connection, backfill.schema, backfill.table)
        rows = estimate(connection, backfill).rows
        store.begin(connection, backfill, rows)
        return divide(connection, backfill, table, rows, ranges)


def run_range(connection: Connection, name: str, number: int) -> bool:
    """Works on one range of a backfill that was split, for as long as the run's time lasts; whether it is finished.

    Whoever finishes the last range scans the whole table afresh, for a key may have moved from one range to another, and
    writes the proof. False means: call again. Raises as `run` does, but for OutOfTimeError.
    """
    with _quietly(connection):
        backfill = store.spec(connection, name)
        table = Table.read(connection, backfill.schema, backfill.table)
        try:
            with claimed(connection, name, number):
                Worker(connection, backfill, table, number, current()).work()
            if store.all_finished(connection, name) and not store.is_proven(connection, name):
                with claimed(connection, name, store.WHOLE):
                    _fill_and_prove(connection, backfill, 0)
        except (OutOfTimeError, LockHeldError):
            return False
        return True


def _fill_and_prove(connection: Connection, backfill: Backfill, rows: int) -> int:
    """Does a backfill of about `rows` that are behind, and tells of it; rows written."""
    asked, started = current(), time.monotonic()
    table = Table.read(connection, backfill.schema, backfill.table)
    written = together.fill(connection, backfill, table, rows, asked) + _prove(connection, backfill, table)
    seconds = round(time.monotonic() - started, 3)
    done = {"event": "backfilled", "name": backfill.name, "table": table.shown}
    asked.on_progress({**done, "written": written, "seconds": seconds})
    return written


def _prove(connection: Connection, backfill: Backfill, table: Table) -> int:
    """Passes over the whole table until one finds nothing, and writes the proof; rows written."""
    store.add_range(connection, backfill.name, store.WHOLE, None, None)
    written = Worker(connection, backfill, table, store.WHOLE, current()).work()
    store.proven(connection, backfill.name)
    return written


@contextmanager
def _quietly(connection: Connection) -> Iterator[None]:
    """In autocommit, with our schema there, and out of the journal: a batch is no statement of the revision's."""
    with autocommitting(connection), unjournalled():
        state.ensure(connection)
        yield
