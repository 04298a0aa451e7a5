"""One transaction of a backfill: a page of keys, the rows of it that are behind and free, their update, and the cursor."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, text

from seachange_migrations.backfill.errors import BackfillFailedError
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

# A batch that cannot have its table holds nothing yet; it waits for as long as the engine's own statements do.
LOCK_TIMEOUT = "2s"

NAME_OF = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = :oid"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a batch did. `last` is the last key of its page, None for an empty page; `waiting` sessions waited for it."""

    rows: int
    found: int
    written: int
    last: Key | None
    waiting: int

    @property
    def skipped(self) -> int:
        """Rows that are behind and were another's."""
        return self.found - self.written


class Batches:
    """Runs batches of one range of a backfill on `connection`, which autocommits."""

    def __init__(self, connection: Connection, backfill: Backfill, table: Table, number: int) -> None:
        self._connection = connection
        self._backfill = backfill
        self._table = table
        self._statements = Statements(backfill, table)
        self._range = {"name": backfill.name, "number": number, "oid": table.oid}
        self._leaves = {table.oid: table.qualified}
        self._settings = {"lock_timeout": LOCK_TIMEOUT, **READABLE, **BY_INDEX, **CHEAP_COMMIT}
        if backfill.sync is not None:
            self._settings["seachange.sync"] = "off"
        before = ", ".join(f"current_setting('{name}')" for name in BY_INDEX)
        self._callers = dict(zip(BY_INDEX, connection.exec_driver_sql(f"SELECT {before}").one(), strict=True))

    def take(self, lower: Key | None, upper: Key | None, size: int, *, rate: float, again: bool, check: bool) -> Done:
        """Does the next at most `size` rows above `lower`; see `Done`.

        `again` takes rows of a page that was counted before and leaves the cursor where it is. `check` asks PostgreSQL
        whether the rows are in step after their update, and raises BackfillFailedError when they are not.
        """
        with transaction(self._connection):
            set_locally(self._connection, self._settings)
            find = self._statements.find(lower=lower is not None, upper=upper is not None)
            bounds = bound("lower", lower) | bound("upper", upper)
            rows, found, last, taken = self._connection.execute(find, {**bounds, "size": size}).one()
            places = {int(part): place for part, place in json.loads(taken or "{}").items()}
            if places:
                # What the author's triggers read is planned as ever.
                set_locally(self._connection, self._callers)
            written = sum(self._write(part, count, place, check=check) for part, (count, place) in places.items())
            done = {"seen": 0 if again else rows, "found": 0 if again else found, "written": written}
            skipped = 0 if again else found - written
            cursor = None if again else last
            progress = {**done, "skipped": skipped, "cursor": cursor, "rate": rate}
            waiting = self._connection.execute(ADVANCE, self._range | progress).scalar_one()
        return Done(
            rows=rows,
            found=found,
            written=written,
            last=None if last is None else tuple(json.loads(last)),
            waiting=waiting,
        )

    def _write(self, part: int, count: int, places: str, *, check: bool) -> int:
        if part not in self._leaves:
            self._leaves[part] = self._connection.execute(text(NAME_OF), {"oid": part}).scalar_one()
        result = self._connection.execute(self._statements.update(self._leaves[part], check=check), {"places": places})
        if not check:
            return int(result.rowcount)
        written, still_behind = result.one()
        # A trigger that answers NULL leaves the row as it was.
        if in_vain := still_behind + count - written:
            raise BackfillFailedError(
                f"backfill {self._backfill.name} would never end: {in_vain} of {count} rows of {self._table.qualified} are "
                f"still behind after their update. Mend the backfill: what it sets must make {self._backfill.behind!r} "
                "false, and no trigger of the table may undo it."
            )
        return int(written)
