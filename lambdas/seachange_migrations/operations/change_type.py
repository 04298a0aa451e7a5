"""Another type for a column, that both releases live with: a new column of that type, kept in step with the old one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy.types import TypeEngine

from seachange_migrations.operations.sync_columns import SyncColumns, sync_columns


@Operations.register_operation("change_type")
@dataclass(frozen=True, kw_only=True)
class ChangeType(MigrateOperation):
    sync: SyncColumns

    @classmethod
    def change_type(
        cls,
        operations: Operations,
        table: str,
        column: str,
        new_column: str,
        type_: TypeEngine[Any] | type[TypeEngine[Any]] | str,
        *,
        forward: str,
        backward: str,
        lossy: bool = False,
        schema: str | None = None,
        publications: Sequence[str] = (),
        name: str | None = None,
    ) -> None:
        """Expand: adds `new_column` of another type beside `column` and keeps the two in step. `op.backfill(table, sync=
        "<table>_<new_column>")` comes next, and `op.drop_synced` in a contract revision.

        Args:
            table: The table.
            column: The column until now.
            new_column: The column of the new type.
            type_: The new type.
            forward: SQL expression over `column` that gives `new_column`; immutable.
            backward: SQL expression over `new_column` that gives `column`; immutable.
            lossy: Whether `backward(forward(x))` may differ from `x`. It may not by default, and real rows are asked.
            schema: The table's schema; found through search_path by default.
            publications: As for `op.sync_columns`; none by default.
            name: The sync's; "<table>_<new_column>" by default.
        """
        sync = SyncColumns(
            table=table,
            old=(column,),
            new={new_column: type_},
            forward=forward,
            backward=backward,
            lossy=lossy,
            name=name,
            schema=schema,
            publications=tuple(publications),
        )
        operations.invoke(cls(sync=sync))


@Operations.implementation_for(ChangeType)
def change_type(operations: Operations, operation: ChangeType) -> None:
    sync_columns(operations, operation.sync)
