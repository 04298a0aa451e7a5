"""What a backfill raises beside the engine's own errors.

::

    RefusedError
    └── NoKeyError             nothing to go by: neither primary key nor a unique index over NOT NULL columns
    UnfinishedError
    └── BackfillPendingError   too large for this call; the state machine's workers do it
    MigrationError
    ├── BackfillFailedError    a batch raised, or does not bring its rows in step
    └── RowsBusyError          rows stayed locked by others for longer than a backfill waits
"""

from collections.abc import Sequence

from seachange_migrations.errors import MigrationError, RefusedError, UnfinishedError


class NoKeyError(RefusedError):
    """The table has no key in whose order a backfill could go."""


class BackfillPendingError(UnfinishedError):
    """The backfill `name` is left to workers: its table has about `rows` rows."""

    def __init__(self, name: str, rows: int) -> None:
        self.name = name
        self.rows = rows
        super().__init__(
            f"backfill {name} of about {rows:,} rows is larger than one call does; workers do it, and the revision is "
            "applied when it is proven complete"
        )


class BackfillFailedError(MigrationError):
    """A batch raised, or its rows are still behind after it; what was committed before stays."""


class RowsBusyError(MigrationError):
    """Rows, or the table, stayed locked by others; `holders` say in words by whom."""

    def __init__(self, name: str, table: str, *, waited_s: float, holders: Sequence[str]) -> None:
        self.name = name
        self.holders = tuple(holders)
        super().__init__(
            f"backfill {name} has got no further for {waited_s:.0f} s: rows of {table} are locked by "
            f"{'; '.join(holders) or 'sessions that cannot be told'}. End that transaction, or wait for its end, then run "
            "the migration again: it goes on where it stopped."
        )
