"""The end of a synced pair of columns: trigger, functions and old columns go in one transaction."""

from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations

from seachange_migrations.errors import MigrationError


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
    raise MigrationError("op.drop_synced is not there yet")
