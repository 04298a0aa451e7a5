"""NOT NULL on a busy table: proven by a check constraint while others write, so that the last step reads no row."""

from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations

from seachange_migrations.errors import MigrationError


@Operations.register_operation("set_not_null")
@dataclass(frozen=True, kw_only=True)
class SetNotNull(MigrateOperation):
    table: str
    column: str
    schema: str | None

    @classmethod
    def set_not_null(cls, operations: Operations, table: str, column: str, *, schema: str | None = None) -> None:
        """Makes a column NOT NULL: CHECK NOT VALID, VALIDATE, SET NOT NULL, drop the check.

        Commits inside; run again after any death it goes on where it stopped.

        Args:
            table: The table.
            column: The column, of which no row may be NULL.
            schema: The table's schema; found through search_path by default.
        """
        operations.invoke(cls(table=table, column=column, schema=schema))


@Operations.implementation_for(SetNotNull)
def set_not_null(operations: Operations, operation: SetNotNull) -> None:
    raise MigrationError("op.set_not_null is not there yet")
