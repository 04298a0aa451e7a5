"""A foreign key on a busy table: NOT VALID first, then validated without stopping the writers."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations

from seachange_migrations.errors import MigrationError


@Operations.register_operation("add_foreign_key")
@dataclass(frozen=True, kw_only=True)
class AddForeignKey(MigrateOperation):
    name: str
    table: str
    referent: str
    columns: tuple[str, ...]
    referent_columns: tuple[str, ...]
    schema: str | None
    referent_schema: str | None
    ondelete: str | None
    onupdate: str | None

    @classmethod
    def add_foreign_key(
        cls,
        operations: Operations,
        name: str,
        table: str,
        referent: str,
        columns: Sequence[str],
        referent_columns: Sequence[str],
        *,
        schema: str | None = None,
        referent_schema: str | None = None,
        ondelete: str | None = None,
        onupdate: str | None = None,
    ) -> None:
        """Adds a foreign key NOT VALID, which locks for an instant, then validates it while others write.

        Commits inside; run again after any death it goes on where it stopped.

        Args:
            name: The constraint's name.
            table: The referencing table.
            referent: The referenced table.
            columns: The referencing columns.
            referent_columns: The referenced columns, of the same number.
            schema: The schema of `table`; found through search_path by default.
            referent_schema: The schema of `referent`; found through search_path by default.
            ondelete: What follows ON DELETE, for instance CASCADE; nothing by default.
            onupdate: What follows ON UPDATE; nothing by default.
        """
        operations.invoke(
            cls(
                name=name,
                table=table,
                referent=referent,
                columns=tuple(columns),
                referent_columns=tuple(referent_columns),
                schema=schema,
                referent_schema=referent_schema,
                ondelete=ondelete,
                onupdate=onupdate,
            )
        )


@Operations.implementation_for(AddForeignKey)
def add_foreign_key(operations: Operations, operation: AddForeignKey) -> None:
    raise MigrationError("op.add_foreign_key is not there yet")
