"""The tables that a workload may use: their columns, keys and references."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg

COLUMNS = """
SELECT n.nspname, c.relname, c.relkind, c.oid, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::int8,
       a.attgenerated <> '', a.atttypmod
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT c.relispartition
ORDER BY c.oid, a.attnum
"""
# Unique sets of plain columns, the primary key first.
KEYS = """
SELECT i.indrelid, array(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, place)
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
                         WHERE k.place <= i.indnkeyatts ORDER BY k.place)
FROM pg_index i WHERE i.indisunique ORDER BY i.indrelid, NOT i.indisprimary
"""
REFERENCES = """
SELECT t.conrelid, t.confrelid,
       array(SELECT a.attname::text FROM unnest(t.conkey) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = t.conrelid AND a.attnum = k.number ORDER BY k.place),
       array(SELECT a.attname::text FROM unnest(t.confkey) WITH ORDINALITY k (number, place)
             JOIN pg_attribute a ON a.attrelid = t.confrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint t WHERE t.contype = 'f' AND t.conparentid = 0
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    type: str
    oid: int
    generated: bool
    modifier: int


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key to the table with the key `to`."""

    to: str
    columns: Sequence[str]
    referred: Sequence[str]


@dataclass(kw_only=True)
class Table:
    """`keys` are the sets of columns that are unique, the primary key first."""

    schema: str
    name: str
    view: bool
    columns: dict[str, Column] = field(default_factory=dict)
    keys: list[Sequence[str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)


class Tables:
    """Tables and views by `schema.name`."""

    def __init__(self, by_key: Mapping[str, Table], search_path: Sequence[str] = ("public",)) -> None:
        self.by_key = by_key
        self._search_path = search_path

    def within(self, search_path: Sequence[str]) -> "Tables":
        """The same, for a role with this search path."""
        return Tables(self.by_key, search_path)

    def key(self, schema: str, name: str) -> str:
        """The key of a table as a statement names it; empty for one that is not there."""
        candidates = [f"{schema}.{name}"] if schema else [f"{each}.{name}" for each in self._search_path]
        return next((key for key in candidates if key in self.by_key), "")

    def columns(self, key: str) -> list[str]:
        """The names of its columns, in their order; none of a table that is not there."""
        return list(self.by_key[key].columns) if key in self.by_key else []


def read_tables(connection: psycopg.Connection) -> Tables:
    """The users' tables and views; partitions count as their table."""
    by_oid: dict[int, Table] = {}
    for schema, name, kind, oid, column, type_, type_oid, generated, modifier in connection.execute(COLUMNS):
        table = by_oid.setdefault(oid, Table(schema=schema, name=name, view=kind in ("v", "m")))
        table.columns[column] = Column(name=column, type=type_, oid=type_oid, generated=generated, modifier=modifier)
    for oid, columns in connection.execute(KEYS):
        if oid in by_oid and columns:
            by_oid[oid].keys.append(columns)
    for oid, to, columns, referred in connection.execute(REFERENCES):
        if oid in by_oid and to in by_oid:
            key = f"{by_oid[to].schema}.{by_oid[to].name}"
            by_oid[oid].references.append(Reference(to=key, columns=columns, referred=referred))
    return Tables({f"{table.schema}.{table.name}": table for table in by_oid.values()})
