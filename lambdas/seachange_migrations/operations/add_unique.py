"""A unique constraint on a busy table: its index is built while others write, then made the constraint's."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations

from seachange_migrations.errors import MigrationError


@Operations.register_operation("add_unique")
@dataclass(frozen=True, kw_only=True)
class AddUnique(MigrateOperation):
    name: str
    table: str
    columns: tuple[str, ...]
    schema: str | None

    @classmethod
    def add_unique(
        cls, operations: Operations, name: str, table: str, columns: Sequence[str], *, schema: str | None = None
    ) -> None:
        """Adds a unique constraint: CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX.

        Commits inside; run again after any death it goes on where it stopped, an invalid index is dropped and rebuilt.

        Args:
            name: The constraint's name, and its index's.
            table: The table.
            columns: The columns that are unique together.
            schema: The table's schema; found through search_path by default.
        """
        operations.invoke(cls(name=name, table=table, columns=tuple(columns), schema=schema))


@Operations.implementation_for(AddUnique)
def add_unique(operations: Operations, operation: AddUnique) -> None:
    raise MigrationError("op.add_unique is not there yet")
