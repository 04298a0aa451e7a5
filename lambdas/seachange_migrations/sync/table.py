"""A table as the catalog has it: what a sync's functions and its trigger are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Connection, text

from seachange_migrations import catalog
from seachange_migrations.errors import RefusedError

KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table"}

# Types are written so that they mean the same under the search_path of our functions.
COLUMNS = """
WITH RECURSIVE base (number, type, modifier) AS (
    SELECT attnum, atttypid, atttypmod FROM pg_attribute WHERE attrelid = :oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT base.number, t.typbasetype, t.typtypmod FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype = 'd'
)
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), format_type(base.type, base.modifier), t.oid <> a.atttypid,
       a.attnotnull, t.typcategory::text, t.typname::text,
       CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), pg_get_expr(own.typdefaultbin, 0)) END,
       a.attgenerated = '' AND NOT starts_with(coalesce(d.adbin::text, own.typdefaultbin::text, '{CONST'), '{CONST'),
       a.attidentity <> '',
       a.attnotnull OR EXISTS (SELECT FROM base AS b JOIN pg_type AS d ON d.oid = b.type WHERE b.number = a.attnum AND d.typnotnull)
FROM pg_attribute AS a
JOIN base ON base.number = a.attnum
JOIN pg_type AS t ON t.oid = base.type AND t.typtype <> 'd'
JOIN pg_type AS own ON own.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = :oid
"""

# What these types look like as text depends on settings of the session.
STABLE_TEXT = frozenset(
    {
        "int2",
        "int4",
        "int8",
        "oid",
        "numeric",
        "uuid",
        "text",
        "varchar",
        "bpchar",
        "char",
        "name",
        "bool",
        "inet",
        "cidr",
    }
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """`base` is the type that a domain is made of, with its modifier; `type` itself for others. `is_computed`: the default is no constant.

    An identity has one too, which no expression writes. `refuses_null`: by NOT NULL of its own or of its domain.
    """

    name: str
    type: str
    base: str
    is_domain: bool
    not_null: bool
    refuses_null: bool
    has_stable_text: bool
    default: str | None
    has_default: bool
    is_computed: bool


@dataclass(frozen=True, kw_only=True)
class Table(catalog.Named):
    key: tuple[str, ...]
    columns: dict[str, Column]

    @classmethod
    def read(cls, connection: Connection, table: str, schema: str | None) -> Self:
        """Reads it from the catalog. Raises RefusedError, with the remedy, for one that no sync can work on."""
        found = catalog.relation(connection, table, schema)
        if found is None:
            raise RefusedError(
                f"there is no table {f'{schema}.' if schema else ''}{table}; correct its name, or give its schema"
            )
        shown = found.shown
        if found.kind in KINDS:
            raise RefusedError(
                f"{shown} is {KINDS[found.kind]}, which has no rows that a trigger could keep in step: name the table under it"
            )
        if found.is_partition:
            raise RefusedError(
                f"{shown} is a partition, and the rows of the others need the same: name the partitioned table"
            )
        if found.has_parents or (found.has_children and not found.is_partitioned):
            raise RefusedError(
                f"{shown} inherits or is inherited from, and a trigger on one table does not see the rows of the others: make them "
                "partitions of a partitioned table, or independent tables"
            )
        if found.has_foreign_parts:
            raise RefusedError(
                f"{shown} has partitions that are foreign tables, whose writers pass our trigger by: detach them first"
            )
        if found.is_secured:
            raise RefusedError(
                f"row security hides rows of {shown} from this role, so nothing could be verified: run migrations as the table's "
                "owner, without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS"
            )
        key = catalog.key(connection, found.oid)
        if key is None or not key.immediate:
            raise RefusedError(
                f"{shown} has no key by which a row could be named for repair: add a primary key, or a unique index over NOT NULL "
                "columns (CREATE UNIQUE INDEX CONCURRENTLY), in a revision before this one"
            )
        return cls(
            oid=found.oid,
            schema=found.schema,
            name=found.name,
            key=key.columns,
            columns=columns(connection, found.oid),
        )


def columns(connection: Connection, oid: int) -> dict[str, Column]:
    """The columns of a relation, by name."""
    return {row[0]: _column(row) for row in qualified_types(connection, COLUMNS, {"oid": oid})}


def qualified_types(connection: Connection, query: str, parameters: dict[str, Any]) -> Sequence[Any]:
    """The rows of a catalog query in which every name that is not PostgreSQL's own is written with its schema."""
    before = connection.scalar(text("SELECT current_setting('search_path')"))
    set_path = text("SELECT set_config('search_path', :path, true)")
    connection.execute(set_path, {"path": "pg_catalog"})
    try:
        return connection.execute(text(query), parameters).all()
    finally:
        connection.execute(set_path, {"path": before})


def _column(row: Any) -> Column:
    name, type_, base, is_domain, not_null, category, base_name, default, is_computed, is_identity, refuses_null = row
    return Column(
        name=name,
        type=type_,
        base=base,
        is_domain=is_domain,
        not_null=not_null,
        refuses_null=refuses_null,
        has_stable_text=category == "E" or base_name in STABLE_TEXT,
        default=default,
        has_default=default is not None or is_identity,
        is_computed=is_computed,
    )
