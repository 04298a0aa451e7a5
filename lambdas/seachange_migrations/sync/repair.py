"""What waits for repair: originals that no column holds any more, or that do not convert, from entry to settlement."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from seachange_migrations import state
from seachange_migrations.errors import RefusedError
from seachange_migrations.sql import literal, quoted, verbatim
from seachange_migrations.sync import names
from seachange_migrations.sync.rows import behind
from seachange_migrations.sync.store import Registered, find, registered

ENTRIES = """
SELECT id, sync, key, original, reason, recorded_at::text FROM seachange.repair
WHERE (CAST(:sync AS text) IS NULL OR sync = :sync) ORDER BY id
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry and its row as it is now.

    `settled`: the row is gone or was never inserted, or both sides agree by now and no original was taken from it that it does not hold.
    `kept`: the original stands on the new side, where contract leaves it: nothing waits for the entry.

    `original` and `row` are customers' values, by column, as text; `row` is None where there is none.
    """

    id: int
    sync: str
    key: Mapping[str, str]
    reason: str
    recorded_at: str
    settled: bool
    kept: bool
    original: Mapping[str, str | None]
    row: Mapping[str, str | None] | None

    @property
    def state(self) -> str:
        """In one word."""
        return "settled" if self.settled else "kept" if self.kept else "waits"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.settled:
            return "`seachange repair retry` drops it"
        if self.kept:
            return (
                "nothing, if older releases may go on with the value that they read; else correct the row or the conversion "
                "function, then `seachange repair retry`"
            )
        if self.row is not None and _holds(self.row, self.original):
            return "correct the row, or the conversion function (CREATE OR REPLACE), then `seachange repair retry`"
        return "the entry is the only copy: decide what the row should say, UPDATE it, then `seachange repair resolve`"

    def to_json(self, *, show_values: bool) -> dict[str, Any]:
        """JSON-able; without `original` and `row` unless `show_values`."""
        hidden = () if show_values else ("original", "row")
        return {name: value for name, value in asdict(self).items() if name not in hidden}


def entries(connection: Connection, sync: str | None = None) -> list[Entry]:
    """All entries, or those of one sync, each with its row read anew. Raises RefusedError for a sync that does not stand."""
    if sync is not None:
        find(connection, sync)
    if not state.exists(connection):
        return []
    standing = {one.name: one for one in registered(connection)}
    found = connection.execute(text(ENTRIES), {"sync": sync}).all()
    return [_entry(connection, standing.get(row[1]), row, lock=False) for row in found]


def retry(connection: Connection, sync: str | None = None, ids: Sequence[int] = ()) -> list[Entry]:
    """Converts the rows of entries anew, and drops each entry that is settled then; returns those entries, as they were left.

    Each row is locked and converted in a transaction of its own, from the side on which the original still stands. `connection` is outside
    of any transaction. Raises RefusedError for ids or a sync that are not there.
    """
    chosen = entries(connection, sync)
    connection.commit()
    if unknown := set(ids) - {entry.id for entry in chosen}:
        raise RefusedError(_unknown(unknown))
    standing = {one.name: one for one in registered(connection)}
    connection.commit()
    left = []
    for entry in chosen:
        if ids and entry.id not in ids:
            continue
        with connection.begin():
            left.append(_retry(connection, standing.get(entry.sync), entry))
    return left


def resolve(connection: Connection, ids: Sequence[int]) -> None:
    """Drops entries, in one transaction, whether they are settled or not.

    Raises RefusedError, and drops none, when one is not there, or is the last of a row that is not in step: without it the next backfill
    would take the row for one that it has missed, and write over what the new release wrote.
    """
    chosen = [entry for entry in entries(connection) if entry.id in ids]
    standing = {one.name: one for one in registered(connection)}
    connection.commit()
    with connection.begin():
        gone = set(
            connection.scalars(
                text("DELETE FROM seachange.repair WHERE id = ANY (:ids) RETURNING id"), {"ids": list(ids)}
            )
            if state.exists(connection)
            else ()
        )
        if unknown := set(ids) - gone:
            raise RefusedError(_unknown(unknown))
        for entry in chosen:
            sync = standing.get(entry.sync)
            if sync is not None and connection.scalar(verbatim(f"SELECT {behind(sync)} {_from(sync, entry.key)}")):
                raise RefusedError(
                    f"entry {entry.id}: its row of {sync.schema}.{sync.table} is not in step, and without the entry the next backfill would "
                    f"write {', '.join(sync.new)} anew: UPDATE the row to a value that converts, then resolve; or leave the entry where it "
                    "is, for contract does not wait for what stands on the new side"
                )


def _retry(connection: Connection, sync: Registered | None, entry: Entry) -> Entry:
    if sync is not None:
        _lock_and_convert(connection, sync, entry)
    row = connection.execute(
        text(f"{ENTRIES.replace('ORDER', 'AND id = :id ORDER')}"), {"sync": None, "id": entry.id}
    ).one_or_none()
    if row is None:
        return entry
    now = _entry(connection, sync, row, lock=False)
    if now.settled:
        connection.execute(text("DELETE FROM seachange.repair WHERE id = :id"), {"id": entry.id})
    return now


def _lock_and_convert(connection: Connection, sync: Registered, entry: Entry) -> None:
    """Derives one side of the row again from the one that holds the entry's original.

    The trigger does it, told by a setting; what fails again the entry says already.
    """
    found = (entry.id, entry.sync, entry.key, entry.original, entry.reason, entry.recorded_at)
    row = _entry(connection, sync, found, lock=True)
    if row.settled or row.row is None or not _holds(row.row, entry.original):
        # Nothing to do, or the original is in no column any more: only people can tell what is right.
        return
    setting = "back" if set(entry.original) <= set(sync.new) else "off"
    connection.execute(text(f"SET LOCAL seachange.sync = '{setting}'"))
    first = quoted(sync.new[0])
    connection.execute(verbatim(f"UPDATE {_table(sync)} AS r SET {first} = r.{first} WHERE {_is(sync, entry.key)}"))


def _entry(connection: Connection, sync: Registered | None, found: Any, *, lock: bool) -> Entry:
    number, name, key, original, reason, recorded_at = found
    settled, kept, row = False, False, None
    if sync is not None:
        values = ", ".join(f"r.{quoted(column)}" for column in (*sync.old, *sync.new))
        shown = ", ".join(f"{literal(column)}, r.{quoted(column)}::text" for column in (*sync.old, *sync.new))
        asked = f"""SELECT {names.function(sync.name, "in_step")}({values}), jsonb_build_object({shown})
            FROM {_table(sync)} AS r WHERE {_is(sync, key)} {"FOR NO KEY UPDATE" if lock else ""}"""
        there = connection.execute(verbatim(asked)).one_or_none()
        if there is None:
            settled = True
        else:
            in_step, row = there
            is_held = _holds(row, original)
            settled = bool(in_step) and (reason not in names.TAKEN or is_held)
            kept = is_held and set(original) <= set(sync.new)
    return Entry(
        id=number,
        sync=name,
        key=key,
        reason=reason,
        recorded_at=recorded_at,
        settled=settled,
        kept=kept,
        original=original,
        row=row,
    )


def _holds(row: Mapping[str, str | None], original: Mapping[str, str | None]) -> bool:
    return all(row[column] == value for column, value in original.items())


def _table(sync: Registered) -> str:
    return f"{quoted(sync.schema)}.{quoted(sync.table)}"


def _is(sync: Registered, key: Mapping[str, str], row: str = "r") -> str:
    """The row of a key, found through its index. The key was written in one style, which is read in any."""
    return " AND ".join(f"{row}.{quoted(column)} = {literal(key[column])}" for column in sync.key)


def _from(sync: Registered, key: Mapping[str, str]) -> str:
    return f"FROM {_table(sync)} WHERE {_is(sync, key, quoted(sync.table))}"


def _unknown(ids: set[int]) -> str:
    return f"there is no entry {', '.join(map(str, sorted(ids)))}; `seachange repair list` shows those that are there"
