"""What the catalog says of a table: which one a name means, and by which key each of its rows is found."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from seachange_migrations.sql import quoted

# Without a schema the table is the one that the session's search_path finds.
RELATION = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition,
    EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid), EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid),
    row_security_active(c.oid),
    EXISTS (SELECT FROM pg_partition_tree(c.oid) AS p JOIN pg_class AS l ON l.oid = p.relid WHERE l.relkind = 'f')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = :table AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND (n.nspname = :schema OR CAST(:schema AS text) IS NULL AND pg_table_is_visible(c.oid))
"""

UNIQUE_INDEXES = """\
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
    WITH ORDINALITY AS k (attribute, opclass, collated, option, n)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attribute
LEFT JOIN pg_opclass AS o ON o.oid = k.opclass
WHERE i.indrelid = :oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.n <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary, i.indimmediate, i.indnkeyatts"""

# Since PostgreSQL 18 a NOT NULL that is NOT VALID counts in the catalog as one at once, while rows that are there may hold NULL.
NOT_NULL = """(a.attnotnull AND NOT EXISTS (
    SELECT FROM pg_constraint AS n WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated AND a.attnum = ANY (n.conkey)))"""

# A key that row comparison follows through an index: B-tree, each column's default order and own collation, one direction; of
# several one that is checked at once, then the primary key, then the narrowest. A domain is compared as what it is made of: of
# two collations that meet, one must be the default.
KEY = f"""
SELECT array_agg(a.attname::text ORDER BY k.n), array_agg((
    WITH RECURSIVE base (type, modifier) AS (
        SELECT a.atttypid, a.atttypmod
        UNION ALL
        SELECT t.typbasetype, t.typtypmod FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype = 'd'
    )
    SELECT format_type(base.type, base.modifier)
    FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype <> 'd') ORDER BY k.n),
    i.indimmediate
{UNIQUE_INDEXES}
HAVING bool_and({NOT_NULL} AND o.opcdefault AND k.collated = a.attcollation)
    AND count(DISTINCT k.option::int & 1) = 1
ORDER BY i.indimmediate DESC, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
LIMIT 1
"""

# Unique over NOT NULL columns, and no key all the same.
UNFOLLOWED = f"""
SELECT i.indexrelid::regclass::text, count(DISTINCT k.option::int & 1) > 1, NOT bool_and(o.opcdefault), NOT bool_and(k.collated = a.attcollation)
{UNIQUE_INDEXES}
HAVING bool_and({NOT_NULL})
ORDER BY i.indnkeyatts, i.indexrelid
LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the catalog knows by its number, and people by schema and name; neither is quoted."""

    oid: int
    schema: str
    name: str

    @property
    def qualified(self) -> str:
        """Quoted as SQL wants it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def shown(self) -> str:
        """As people read it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Relation(Named):
    """A table, a view or what else has columns. `kind` is `pg_class.relkind`.

    Attributes:
        has_children, has_parents: Whether others inherit from it, or it from others; partitions do.
        is_secured: Whether row security hides rows from this role.
        has_foreign_parts: Whether partitions of it are foreign tables.
    """

    kind: str
    is_partition: bool
    has_children: bool
    has_parents: bool
    is_secured: bool
    has_foreign_parts: bool

    @property
    def is_partitioned(self) -> bool:
        return self.kind == "p"


@dataclass(frozen=True, kw_only=True)
class Key:
    """Columns, and the types in which they are compared. A key that is not `immediate` is checked when a transaction ends."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    immediate: bool


def relation(connection: Connection, table: str, schema: str | None) -> Relation | None:
    """The one that `table` means, in `schema` or on the search_path; None where there is none."""
    found = connection.execute(text(RELATION), {"table": table, "schema": schema}).one_or_none()
    if found is None:
        return None
    oid, schema_name, name, kind, is_partition, has_children, has_parents, is_secured, has_foreign_parts = found
    return Relation(
        oid=oid,
        schema=schema_name,
        name=name,
        kind=kind,
        is_partition=is_partition,
        has_children=has_children,
        has_parents=has_parents,
        is_secured=is_secured,
        has_foreign_parts=has_foreign_parts,
    )


def key(connection: Connection, oid: int) -> Key | None:
    """The key in whose order a table can be read, and that finds each row; None where there is none."""
    found = connection.execute(text(KEY), {"oid": oid}).one_or_none()
    if found is None:
        return None
    columns, types, immediate = found
    return Key(columns=tuple(columns), types=tuple(types), immediate=immediate)


def lacking(connection: Connection, oid: int) -> tuple[str, tuple[str, ...]] | None:
    """Of a table without a key, a unique index over NOT NULL columns, and in words what keeps it from being one; None without such."""
    found = connection.execute(text(UNFOLLOWED), {"oid": oid}).one_or_none()
    if found is None:
        return None
    index, mixed, foreign_class, foreign_collation = found
    lacks = {
        "its columns are not all in one direction": mixed,
        "it has not each type's default operator class": foreign_class,
        "it has not each column's own collation": foreign_collation,
    }
    return index, tuple(words for words, lacked in lacks.items() if lacked)
