"""The table that an operation works on, and what it must not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from alembic.operations import Operations
from sqlalchemy import Connection, text

from seachange_migrations.errors import RefusedError
from seachange_migrations.sync.names import quoted
from seachange_migrations.sync.store import registered

FIND = """
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p' FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relname = :table AND c.relkind IN ('r', 'p')
    AND (n.nspname = :schema OR CAST(:schema AS text) IS NULL AND pg_table_is_visible(c.oid))
"""


@dataclass(frozen=True, kw_only=True)
class Target:
    oid: int
    schema: str
    name: str
    is_partitioned: bool

    @property
    def qualified(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def shown(self) -> str:
        return f"{self.schema}.{self.name}"

    @classmethod
    def find(cls, connection: Connection, table: str, schema: str | None) -> Self:
        """Looks it up. Raises RefusedError for a table that is not there."""
        found = connection.execute(text(FIND), {"table": table, "schema": schema}).one_or_none()
        if found is None:
            raise RefusedError(
                f"there is no table {f'{schema}.' if schema else ''}{table}: correct its name, or give its schema"
            )
        oid, schema_name, name, is_partitioned = found
        return cls(oid=oid, schema=schema_name, name=name, is_partitioned=is_partitioned)

    def require_unsynced(self, connection: Connection, columns: Sequence[str], what: str) -> None:
        """Raises RefusedError where a derived value could violate `what` and so fail a writer."""
        for sync in registered(connection):
            if (sync.schema, sync.table) == (self.schema, self.name) and set(columns) & {*sync.old, *sync.new}:
                raise RefusedError(
                    f"{what} on {self.shown} ({', '.join(columns)}) could fail writers while sync {sync.name} derives values for it: write "
                    f"op.drop_synced({self.name!r}, sync={sync.name!r}) before it, in the contract revision"
                )


def named(table: str, schema: str | None) -> str:
    """The table as the author named it, quoted: for offline mode, which looks nothing up."""
    return f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)


def offline(operations: Operations) -> bool:
    return bool(operations.migration_context.as_sql)
