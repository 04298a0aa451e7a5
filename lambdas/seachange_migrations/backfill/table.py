"""The table of a backfill as the catalog has it: the key to go by, its partitions, and what would make the work wrong."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, text

from seachange_migrations.backfill.errors import NoKeyError
from seachange_migrations.errors import RefusedError

FIND = """
SELECT c.oid, c.relkind::text, format('%I.%I', n.nspname, c.relname), quote_ident(c.relname), row_security_active(c.oid),
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid),
       EXISTS (SELECT FROM pg_partition_tree(c.oid) AS p JOIN pg_class AS l ON l.oid = p.relid WHERE l.relkind = 'f')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = :schema AND c.relname = :table AND c.relkind IN ('r', 'p')
"""
# A key that row comparison follows through an index: B-tree, each column's default order and own collation, one direction.
# A domain is compared as what it is made of: of two collations that meet, one must be the default.
KEYS = """
SELECT array_agg(quote_ident(a.attname) ORDER BY k.n), array_agg(a.attname::text ORDER BY k.n), array_agg((
    WITH RECURSIVE base (type, modifier) AS (
        SELECT a.atttypid, a.atttypmod
        UNION ALL
        SELECT t.typbasetype, t.typtypmod FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype = 'd'
    )
    SELECT format_type(base.type, base.modifier)
    FROM base JOIN pg_type AS t ON t.oid = base.type WHERE t.typtype <> 'd') ORDER BY k.n)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree'
CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[], i.indoption::int2[])
    WITH ORDINALITY AS k (attribute, opclass, collated, option, n)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attribute
LEFT JOIN pg_opclass AS o ON o.oid = k.opclass
WHERE i.indrelid = :oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND k.n <= i.indnkeyatts
GROUP BY i.indexrelid, i.indisprimary, i.indnkeyatts
HAVING bool_and(a.attnotnull AND o.opcdefault AND k.collated = a.attcollation)
    AND count(DISTINCT k.option::int & 1) = 1
ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid
LIMIT 1
"""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What the statements of a batch need to know. `key`, `key_types`, `qualified` and `alias` are quoted as SQL wants."""

    oid: int
    qualified: str
    alias: str
    partitioned: bool
    key: tuple[str, ...]
    key_names: tuple[str, ...]
    key_types: tuple[str, ...]

    @classmethod
    def read(cls, connection: Connection, schema: str, table: str) -> Self:
        """Reads it from the catalog. Raises RefusedError or NoKeyError with the remedy."""
        found = connection.execute(text(FIND), {"schema": schema, "table": table}).one_or_none()
        if found is None:
            raise RefusedError(f"there is no table {schema}.{table} to backfill; create it in an earlier statement")
        oid, kind, qualified, alias, secured, inherited, foreign = found
        if secured:
            raise RefusedError(
                f"row security hides rows of {qualified} from this role, and a backfill could not prove that none is left; "
                "run migrations as the table's owner, without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS"
            )
        if inherited:
            raise RefusedError(
                f"other tables inherit from {qualified}, and no index covers them together; backfill each of the children, "
                "and take the parent's own rows in a statement of yours"
            )
        if foreign:
            raise RefusedError(
                f"{qualified} has partitions that are foreign tables, whose rows cannot be locked from here; backfill the "
                "local partitions each by its name, and the foreign ones on their own server"
            )
        key = connection.execute(text(KEYS), {"oid": oid}).one_or_none()
        if key is None:
            raise NoKeyError(
                f"{qualified} has no key in whose order a backfill could go; add a primary key, or a unique index over "
                "NOT NULL columns in their default order (CREATE UNIQUE INDEX CONCURRENTLY), in a revision before this one"
            )
        quoted, names, types = key
        return cls(
            oid=oid,
            qualified=qualified,
            alias=alias,
            partitioned=kind == "p",
            key=tuple(f"{alias}.{column}" for column in quoted),
            key_names=tuple(names),
            key_types=tuple(types),
        )
