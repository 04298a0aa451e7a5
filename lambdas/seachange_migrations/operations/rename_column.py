"""A rename that both releases live with: a new column, kept equal to the old one until that is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy.types import TypeEngine

from seachange_migrations.operations.sync_columns import SyncColumns, sync_columns
from seachange_migrations.sql import quoted


@Operations.register_operation("rename_column")
@dataclass(frozen=True, kw_only=True)
class RenameColumn(MigrateOperation):
    sync: SyncColumns

    @classmethod
    def rename_column(
        cls,
        operations: Operations,
        table: str,
        old: str,
        new: str,
        *,
        type_: TypeEngine[Any] | type[TypeEngine[Any]] | str,
        schema: str | None = None,
        publications: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        """Expand: adds column `new` beside `old` and keeps the two equal. `op.backfill(table, sync="<table>_<new>")` comes next, and
        `op.drop_synced` in a contract revision.

        Args:
            table: The table.
            old: The column's name until now.
            new: Its name from now on.
            type_: Its type, the same as the old one's.
            schema: The table's schema; found through search_path by default.
            publications: As for `op.sync_columns`; none by default.
            name: The sync's; "<table>_<new>" by default.
        """
        sync = SyncColumns(
            table=table,
            old=(old,),
            new={new: type_},
            forward=quoted(old),
            backward=quoted(new),
            lossy=False,
            name=name,
            schema=schema,
            publications=tuple(publications),
        )
        operations.invoke(cls(sync=sync))


@Operations.implementation_for(RenameColumn)
def rename_column(operations: Operations, operation: RenameColumn) -> None:
    sync_columns(operations, operation.sync)
