"""What a backfill does, and what others are told about it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """Brings every row of a table on which `behind` is true to where it is false, by `assignments`.

    Args:
        name: Under which its progress is kept; unique in the database.
        revision: The Alembic revision that asks for it.
        schema: The table's schema, unquoted.
        table: The table, unquoted. The expressions may name it so, or name columns alone.
        assignments: Column, unquoted, to SQL expression over the row as it is. A key may not be assigned.
        behind: SQL predicate over the row: whether it is still to do. The assignments must make it false.
        sync: The name of the sync that this belongs to; its trigger then derives the new side. None by default.
        shortcut: Of a sync, SQL that does the same for many rows at once, and raises where one does not convert: `untouched`,
            `filling` and `differs`. None by default.
    """

    name: str
    revision: str
    schema: str
    table: str
    assignments: Mapping[str, str]
    behind: str
    sync: str | None = None
    shortcut: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """The whole of it, as `seachange.backfill.spec` keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The backfill that `to_json` wrote; what a newer engine added is left out."""
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})


@dataclass(frozen=True, kw_only=True)
class BackfillPlan:
    """What a backfill is going to do, by the catalog and PostgreSQL's statistics: estimates, but for the names.

    Attributes:
        key: The key columns in whose order it goes.
        rows: Rows of the table; each may be behind.
        wal_bytes: What it writes to the log. Indexes and full-page images are in it, replicas get the same again.
        growth_bytes: How far table and indexes grow; later writes use the room again, nothing gives it back.
        triggers: Users' triggers that fire for each row, `schema.table` and name.
        replicas: Replicas and subscribers that are connected and get the log, by application name.
        slots: Replication slots that keep log for readers which are away.
    """

    name: str
    table: str
    key: tuple[str, ...]
    rows: int
    wal_bytes: int
    growth_bytes: int
    triggers: tuple[str, ...]
    replicas: tuple[str, ...]
    slots: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        """The plan in words, a line each."""
        text = [
            f"backfill {self.name}: about {self.rows:,} rows of {self.table}, in order of {', '.join(self.key)}",
            f"about {mib(self.wal_bytes)} of log (WAL) and {mib(self.growth_bytes)} more of table and indexes, estimated",
            "an index on what it writes comes after it: it would double the log and slow each batch",
        ]
        text += [f"{trigger} fires for each row" for trigger in self.triggers]
        text += [f"replica {replica} gets the same log; the backfill pauses when it lags" for replica in self.replicas]
        text += [f"slot {slot} has no reader and keeps the log on the disk" for slot in self.slots]
        return tuple(text)


@dataclass(frozen=True, kw_only=True)
class BackfillStatus:
    """How far a backfill is. `rate` is in rows a second over all its ranges, `seconds_left` what the rest takes at that
    rate; both None when it does not run. `proven`: a whole scan found no row behind.
    """

    name: str
    revision: str
    table: str
    rows_done: int
    rows_estimated: int
    ranges: int
    ranges_finished: int
    rate: float | None
    seconds_left: float | None
    paused: bool
    proven: bool


def mib(count: float) -> str:
    """Bytes as people read them."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
