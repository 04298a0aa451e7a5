"""The table of a backfill as the catalog has it: the key to go by, its partitions, and what would make the work wrong."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from seachange_migrations import catalog
from seachange_migrations.backfill.errors import NoKeyError
from seachange_migrations.errors import RefusedError
from seachange_migrations.sql import quoted


@dataclass(frozen=True, kw_only=True)
class Table:
    """What the statements of a batch need to know. `key`, `key_types`, `qualified` and `alias` are quoted as SQL wants, `shown` is for people."""

    oid: int
    shown: str
    qualified: str
    alias: str
    partitioned: bool
    key: tuple[str, ...]
    key_names: tuple[str, ...]
    key_types: tuple[str, ...]

    @classmethod
    def read(cls, connection: Connection, schema: str, table: str) -> Self:
        """Reads it from the catalog. Raises RefusedError or NoKeyError with the remedy."""
        found = catalog.relation(connection, table, schema)
        if found is None or found.kind not in {"r", "p"}:
            raise RefusedError(f"there is no table {schema}.{table} to backfill; create it in an earlier statement")
        if found.is_secured:
            raise RefusedError(
                f"row security hides rows of {found.shown} from this role, and a backfill could not prove that none is left; "
                "run migrations as the table's owner, without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS"
            )
        if found.has_children and not found.is_partitioned:
            raise RefusedError(
                f"other tables inherit from {found.shown}, and no index covers them together; backfill each of the children, "
                "and take the parent's own rows in a statement of yours"
            )
        if found.has_foreign_parts:
            raise RefusedError(
                f"{found.shown} has partitions that are foreign tables, whose rows cannot be locked from here; backfill the "
                "local partitions each by its name, and the foreign ones on their own server"
            )
        key = catalog.key(connection, found.oid)
        if key is None:
            unfollowed = catalog.lacking(connection, found.oid)
            though = f" (not in that of {unfollowed[0]}: {', and '.join(unfollowed[1])})" if unfollowed else ""
            raise NoKeyError(
                f"{found.shown} has no key in whose order a backfill could go{though}; add a primary key, or a unique index over "
                "NOT NULL columns, in one direction, each with its default operator class and own collation (CREATE UNIQUE INDEX "
                "CONCURRENTLY), in a revision before this one"
            )
        alias = quoted(found.name)
        return cls(
            oid=found.oid,
            shown=found.shown,
            qualified=found.qualified,
            alias=alias,
            partitioned=found.is_partitioned,
            key=tuple(f"{alias}.{quoted(column)}" for column in key.columns),
            key_names=key.columns,
            key_types=key.types,
        )
