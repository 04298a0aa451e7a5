"""The end of a synced pair of columns: trigger, functions and old columns go in one transaction."""

from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations
from alembic.util import CommandError

from seachange_migrations.driver import in_autocommit
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.journal import unjournalled
from seachange_migrations.operations.target import offline
from seachange_migrations.operations.transactions import impatient
from seachange_migrations.sql import verbatim
from seachange_migrations.sync.drop import drop
from seachange_migrations.sync.store import find, is_dropped


@Operations.register_operation("drop_synced")
@dataclass(frozen=True, kw_only=True)
class DropSynced(MigrateOperation):
    table: str
    sync: str
    schema: str | None

    @classmethod
    def drop_synced(cls, operations: Operations, table: str, *, sync: str, schema: str | None = None) -> None:
        """Contract: drops the trigger of a sync, its functions and its old columns, in one transaction.

        Refused while a row is not in step, or waits for repair.

        Args:
            table: The table.
            sync: The sync's name; by default `op.sync_columns` named it after the table and the first new column.
            schema: The table's schema; found through search_path by default.
        """
        operations.invoke(cls(table=table, sync=sync, schema=schema))


@Operations.implementation_for(DropSynced)
def drop_synced(operations: Operations, operation: DropSynced) -> None:
    if offline(operations):
        raise CommandError("op.drop_synced reads whether every row is in step: run it on a connection, without --sql")
    connection = operations.get_bind()
    if is_dropped(connection, operation.sync, operation.table):
        return
    sync = find(connection, operation.sync)
    if sync.table != operation.table or operation.schema not in (None, sync.schema):
        raise InvalidRequestError(
            f"sync {sync.name} is one of {sync.schema}.{sync.table}, not of {operation.table}: correct the call"
        )
    if in_autocommit(connection):
        raise InvalidRequestError("op.drop_synced drops all in one transaction: call it outside of autocommit_block()")
    with unjournalled(), impatient(connection):
        drop(connection, lambda statement: operations.execute(verbatim(statement)), sync)
