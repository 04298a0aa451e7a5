"""The rows that were there before: in committed batches that nobody waits for, until a fresh scan finds none left."""

from collections.abc import Mapping
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations

from seachange_migrations.errors import MigrationError


@Operations.register_operation("backfill")
@dataclass(frozen=True, kw_only=True)
class BackfillRows(MigrateOperation):
    table: str
    sync: str | None
    assignments: Mapping[str, str]
    where: str | None
    schema: str | None
    name: str | None

    @classmethod
    def backfill(
        cls,
        operations: Operations,
        table: str,
        *,
        sync: str | None = None,
        set: Mapping[str, str] | None = None,  # noqa: A002 - SQL's word
        where: str | None = None,
        schema: str | None = None,
        name: str | None = None,
    ) -> None:
        """Brings every row in step: the new columns of a sync, or whatever `set` and `where` say.

        Commits inside, in small batches; stopped at any moment it goes on where it was.

        Args:
            table: The table.
            sync: The name of the sync whose new columns are derived; none by default, then `set` and `where` are needed.
            set: Column to SQL expression over the row.
            where: Which rows still need it, an SQL condition that the assignments make false.
            schema: The table's schema; found through search_path by default.
            name: Under which progress is kept; made of revision, table and columns by default.
        """
        operations.invoke(
            cls(table=table, sync=sync, assignments=dict(set or {}), where=where, schema=schema, name=name)
        )


@Operations.implementation_for(BackfillRows)
def backfill(operations: Operations, operation: BackfillRows) -> None:
    raise MigrationError("op.backfill is not there yet")
