"""The table that an operation works on, and what it must not be."""

from collections.abc import Sequence

from alembic.operations import Operations
from sqlalchemy import Connection

from seachange_migrations import catalog
from seachange_migrations.catalog import Relation
from seachange_migrations.errors import RefusedError
from seachange_migrations.sql import quoted
from seachange_migrations.sync.store import registered


def table_of(connection: Connection, table: str, schema: str | None) -> Relation:
    """The table of an operation. Raises RefusedError for one that is not there."""
    found = catalog.relation(connection, table, schema)
    if found is None or found.kind not in {"r", "p"}:
        raise RefusedError(
            f"there is no table {f'{schema}.' if schema else ''}{table}: correct its name, or give its schema"
        )
    return found


def require_unsynced(connection: Connection, table: Relation, columns: Sequence[str], what: str) -> None:
    """Raises RefusedError where a derived value could violate `what` and so fail a writer."""
    for sync in registered(connection):
        if (sync.schema, sync.table) == (table.schema, table.name) and set(columns) & {*sync.old, *sync.new}:
            raise RefusedError(
                f"{what} on {table.shown} ({', '.join(columns)}) could fail writers while sync {sync.name} derives values for it: write "
                f"op.drop_synced({table.name!r}, sync={sync.name!r}) before it, in the contract revision"
            )


def named(table: str, schema: str | None) -> str:
    """The table as the author named it, quoted: for offline mode, which looks nothing up."""
    return f"{quoted(schema)}.{quoted(table)}" if schema else quoted(table)


def offline(operations: Operations) -> bool:
    return bool(operations.migration_context.as_sql)
