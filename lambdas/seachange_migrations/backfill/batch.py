"""One transaction of a backfill: a page of keys, the rows of it that are behind and free, their update, and the cursor."""

import json
import time
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause

from seachange_migrations.backfill.errors import BackfillFailedError
from seachange_migrations.backfill.pace import MOST_ROWS
from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.statements import (
    BY_INDEX,
    CHEAP_COMMIT,
    READABLE,
    Key,
    Statements,
    bound,
    set_locally,
)
from seachange_migrations.backfill.store import ADVANCE
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.transactions import transaction
from seachange_migrations.backfill.triggers import users_triggers

# A batch that cannot have its table holds nothing yet; it waits for as long as the engine's own statements do.
LOCK_TIMEOUT = "2s"
LOOK_EVERY_S = 0.1
"""How often it is asked whether sessions wait for the batch, in seconds."""
DENSE = 0.9
"""The share of rows behind from which looking for them costs more than it spares."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a batch did: `rows` of a page, of which `skipped` are behind still, for they were another's.

    `last` is the page's last key, None for an empty one; `waiting` sessions waited for this transaction or for the table.
    `in_vain`: none of the rows that it had locked was written.
    """

    rows: int
    written: int
    skipped: int
    last: Key | None
    waiting: int
    in_vain: bool

    @property
    def dense(self) -> bool:
        """Whether nearly every row was behind, as all are before the first pass."""
        return self.written >= DENSE * self.rows > 0


class Batches:
    """Runs batches of one range of a backfill on `connection`, which autocommits."""

    def __init__(self, connection: Connection, backfill: Backfill, table: Table, number: int) -> None:
        self._connection = connection
        self._backfill = backfill
        self._table = table
        self._looked_at = -LOOK_EVERY_S
        self._made: dict[tuple[bool, bool], Statements] = {}
        self._range = {"name": backfill.name, "number": number, "oid": table.oid}
        self._settings = {"lock_timeout": LOCK_TIMEOUT, **READABLE, **BY_INDEX, **CHEAP_COMMIT}
        # What the author's triggers read is planned as ever, not anew for each row.
        self._callers = {"plan_cache_mode": connection.exec_driver_sql("SHOW plan_cache_mode").scalar_one()}
        self._triggered = bool(users_triggers(connection, backfill, table))
        if backfill.sync is not None:
            self._settings["seachange.sync"] = "off"

    def take(
        self,
        lower: Key | None,
        upper: Key | None,
        size: int,
        *,
        rate: float,
        dense: bool,
        again: bool,
        check: bool,
        quick: bool = False,
    ) -> Done:
        """Does the next at most `size` rows above `lower`; see `Done`.

        `dense` expects that all of them are behind. `again` takes rows of a page that was counted before and leaves the
        cursor where it is. `check` asks PostgreSQL whether the rows are in step after their update, and raises
        BackfillFailedError when they are not. `quick` takes the sync's shortcut, where there is one, which raises where a row
        does not convert. `rate`, in rows a second, is written down for others to read.
        """
        # What triggers of the author's make of a row is derived from by the sync's own, after them.
        filling = quick and dense and not self._triggered and self._backfill.shortcut is not None
        with transaction(self._connection):
            set_locally(self._connection, self._settings | ({"seachange.sync": "filled"} if filling else {}))
            statements = self._statements(lower=lower is not None, upper=upper is not None)
            parameters = {**bound("lower", lower), **bound("upper", upper), "size": size}
            if not dense:
                parameters["most"] = MOST_ROWS
            find = statements.quick_find if quick and statements.quick_find is not None else statements.find
            statement = statements.lock if dense else find
            rows, found, free, last_key = self._connection.execute(statement, parameters).one()
            last = None if last_key is None else tuple(json.loads(last_key))
            if free and self._triggered:
                set_locally(self._connection, self._callers)
            written = 0
            if free and filling and statements.fill is not None:
                written = self._fill(statements.fill, lower, last)
            elif free:
                written = self._write(statements, lower, last, check=check)
            skipped = found - free if dense else found - written
            counts = {"seen": rows, "found": found, "skipped": skipped, "cursor": last_key}
            if again:
                counts = {"seen": 0, "found": 0, "skipped": 0, "cursor": None}
            progress = {**self._range, **counts, "written": written, "rate": rate, "look": self._looks()}
            waiting = self._connection.execute(ADVANCE, progress).scalar_one()
        return Done(
            rows=rows, written=written, skipped=skipped, last=last, waiting=waiting, in_vain=bool(free and not written)
        )

    def _write(self, statements: Statements, lower: Key | None, last: Key | None, *, check: bool) -> int:
        keys = bound("lower", lower) | bound("last", last)
        if not check:
            return int(self._connection.execute(statements.update, keys).rowcount)
        written, in_vain = self._connection.execute(statements.checked_update, keys).one()
        if in_vain:
            raise BackfillFailedError(
                f"backfill {self._backfill.name} would never end: {in_vain} of {written} rows of {self._table.shown} are "
                f"still behind after their update. Mend the backfill: what it sets must make {self._backfill.behind!r} "
                "false, and no trigger of the table may undo it."
            )
        return int(written)

    def _looks(self) -> bool:
        """Whether it is time again to ask who waits."""
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return False
        self._looked_at = time.monotonic()
        return True

    def _fill(self, fill: TextClause, lower: Key | None, last: Key | None) -> int:
        keys = bound("lower", lower) | bound("last", last)
        return int(self._connection.execute(fill, {**keys, "sync": self._backfill.sync}).rowcount)

    def _statements(self, *, lower: bool, upper: bool) -> Statements:
        if (lower, upper) not in self._made:
            self._made[lower, upper] = Statements(self._backfill, self._table, lower=lower, upper=upper)
        return self._made[lower, upper]
