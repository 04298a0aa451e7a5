"""Copies a few real rows into a scratch database, with the rows that they refer to.

They are customers' values: they go from one database of a server to another of the same, whose owner alone may connect, and are
gone with it. They are never shown.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from seachange_migrations.check.scratch import Scratch
from seachange_migrations.check.workload.kinds import OURS
from seachange_migrations.check.workload.tables import Table, Tables
from seachange_migrations.connection import connect
from seachange_migrations.running import TimeLeft

SAMPLED = 20
MOST_ROWS = 100  # per table, with those that others refer to
MOST_BYTES = 20_000_000  # in all

# A sequence that began anew would give out numbers that the rows have.
SEQUENCES = (
    "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"
)
TIMEOUTS = "SET default_transaction_read_only = on; SET statement_timeout = '2s'; SET lock_timeout = '1s'"

Row = Mapping[str, str | None]
"""A row's values in PostgreSQL's text form, by column."""


@dataclass
class Seeds:
    """The rows in the scratch database, by table key. `missing` says in words what could not be copied."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    missing: list[str] = field(default_factory=list)


def seed(scratch: Scratch, tables: Tables, wanted: Iterable[str], time_left: TimeLeft) -> Seeds:
    """Copies rows of the tables with the keys `wanted`, the newest by primary key, at most 100 of each."""
    seeds = Seeds()
    with connect(scratch.real) as real:
        real.execute(TIMEOUTS)
        sampled = _Sampler(real, tables, seeds, time_left)
        for key in wanted:
            sampled.sample(key)
        sequences = real.execute(SEQUENCES).fetchall()
    with connect(scratch.settings) as target:
        for name, value in sequences:
            target.execute("SELECT setval(to_regclass(%s), %s)", [name, value])
        _insert(target, tables, sampled.rows, seeds)
    return seeds


class _Sampler:
    """Reads rows of the real database, at most MOST_BYTES."""

    def __init__(self, real: psycopg.Connection, tables: Tables, seeds: Seeds, time_left: TimeLeft) -> None:
        self.rows: dict[str, dict[tuple[str | None, ...], Row]] = {}
        self._real, self._tables, self._seeds, self._time_left = real, tables, seeds, time_left
        self._bytes = 0

    def sample(self, key: str) -> None:
        table = self._tables.by_key[key]
        if table.view or key in self.rows:
            return
        order: sql.Composable = sql.SQL("")
        if table.keys:
            # By the column itself, which has an index, and not by its text, which has the same name here.
            columns = sql.SQL(", ").join(
                sql.SQL("sampled.{} DESC").format(sql.Identifier(name)) for name in table.keys[0]
            )
            order = sql.SQL(" ORDER BY {}").format(columns)
        self._read(key, sql.SQL("{} LIMIT {}").format(order, SAMPLED), ())
        self._follow(key)

    def _follow(self, key: str) -> None:
        """Reads what the rows of `key` refer to, and so on."""
        for reference in self._tables.by_key[key].references:
            known = {
                tuple(row[name] for name in reference.referred) for row in self.rows.get(reference.to, {}).values()
            }
            needed = {
                values
                for row in self.rows.get(key, {}).values()
                if None not in (values := tuple(row[name] for name in reference.columns)) and values not in known
            }
            if not needed:
                continue
            before = len(self.rows.get(reference.to, {}))
            types = self._tables.by_key[reference.to].columns
            row = sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Identifier, reference.referred)))
            casts = [sql.SQL("%s::") + sql.SQL(types[name].type) for name in reference.referred]
            one = sql.SQL("({})").format(sql.SQL(", ").join(casts))
            chosen = sorted(needed, key=str)[:MOST_ROWS]
            where = sql.SQL(" WHERE {} IN ({})").format(row, sql.SQL(", ").join([one] * len(chosen)))
            self._read(reference.to, where, [value for values in chosen for value in values])
            if len(self.rows.get(reference.to, {})) > before:
                self._follow(reference.to)

    def _read(self, key: str, rest: sql.Composable, parameters: Sequence[str | None]) -> None:
        table, found = self._tables.by_key[key], self.rows.setdefault(key, {})
        columns = [name for name, column in table.columns.items() if not column.generated]
        query = sql.SQL(f"SELECT {OURS} {{}} FROM {{}} sampled").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns), _name(table)
        )
        if self._bytes > MOST_BYTES or self._time_left() <= 0:
            self._seeds.missing.append(f"{key}: the bound of size or time is reached")
            return
        try:
            with self._real.transaction(), self._real.cursor() as cursor:
                cursor.execute(query + rest, parameters)
                for values in cursor:
                    if len(found) < MOST_ROWS:
                        self._bytes += sum(len(value) for value in values if value is not None)
                        found[values] = dict(zip(columns, values, strict=True))
        except psycopg.Error as error:
            self._seeds.missing.append(f"{key}: {type(error).__name__}")


def _insert(
    target: psycopg.Connection, tables: Tables, rows: Mapping[str, Mapping[tuple[str | None, ...], Row]], seeds: Seeds
) -> None:
    """Inserts what can be inserted, again and again while that gets further: rows refer to each other."""
    tables_with_rows = [key for key, found in rows.items() if found]
    # What triggers would write is in the rows already.
    for key in tables_with_rows:
        target.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(_name(tables.by_key[key])))
    waiting = [(key, row) for key in _referred_first(tables, tables_with_rows) for row in rows[key].values()]
    while waiting:
        left = [(key, row) for key, row in waiting if not _insert_one(target, tables.by_key[key], row)]
        for key, row in waiting:
            if (key, row) not in left:
                seeds.rows[key].append(row)
        if len(left) == len(waiting):
            break
        waiting = left
    for key in sorted({key for key, _ in waiting}):
        count = sum(1 for each, _ in waiting if each == key)
        seeds.missing.append(f"{key}: {count} rows do not fit, as rows that they refer to are missing")
    for key in tables_with_rows:
        target.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(_name(tables.by_key[key])))


def _insert_one(target: psycopg.Connection, table: Table, row: Row) -> bool:
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        _name(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.SQL("%s::") + sql.SQL(table.columns[name].type) for name in row),
    )
    try:
        target.execute(statement, list(row.values()))
    except psycopg.Error:
        return False
    return True


def _referred_first(tables: Tables, keys: Iterable[str]) -> list[str]:
    done: dict[str, None] = {}
    entered: set[str] = set()

    def enter(key: str) -> None:
        if key not in entered:
            entered.add(key)
            for reference in tables.by_key[key].references:
                enter(reference.to)
            done[key] = None

    for key in keys:
        enter(key)
    wanted = set(keys)
    return [key for key in done if key in wanted]


def _name(table: Table) -> sql.Identifier:
    return sql.Identifier(table.schema, table.name)
