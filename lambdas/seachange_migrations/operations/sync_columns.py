"""New columns that take the place of old ones, and the trigger that keeps both in step, whichever release writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Column
from sqlalchemy.types import TypeEngine

from seachange_migrations.errors import MigrationError

Types = Mapping[str, TypeEngine[Any] | type[TypeEngine[Any]] | str]
Expressions = Mapping[str, str] | str


@Operations.register_operation("sync_columns")
@dataclass(frozen=True, kw_only=True)
class SyncColumns(MigrateOperation):
    table: str
    old: tuple[str, ...]
    new: Types | Sequence[Column[Any]]
    forward: Expressions
    backward: Expressions
    lossy: bool
    name: str | None
    schema: str | None
    publications: tuple[str, ...]

    @classmethod
    def sync_columns(
        cls,
        operations: Operations,
        table: str,
        *,
        old: str | Sequence[str],
        new: Types | Sequence[Column[Any]],
        forward: Expressions,
        backward: Expressions,
        lossy: bool = False,
        name: str | None = None,
        schema: str | None = None,
        publications: Sequence[str] = (),
    ) -> None:
        """Adds new columns for old ones and a trigger that derives each side from the other, in one transaction.

        Whoever writes, blue the old columns or green the new ones, reads on the other side what the conversion makes of it. A
        conversion that fails never fails the writer: the original goes to repair. Existing rows need `op.backfill(sync=…)` next.

        Args:
            table: The table; it has a primary key, or a unique index over NOT NULL columns.
            old: The columns that blue writes, one or several.
            new: The columns that green writes, by name, with their types; or `sa.Column`s. They are nullable, without default.
            forward: For each new column an SQL expression over the old ones; a single expression where there is one new column, or
                where it returns a record that has all the new columns by name. It must be immutable.
            backward: The same for the old columns, over the new ones.
            lossy: Whether `backward(forward(x))` may differ from `x`. It may not by default, and real rows are asked.
            name: The sync's name, `<table>_<first new column>` by default.
            schema: The table's schema; found through search_path by default.
            publications: Logical publications that carry this table and whose subscribers are known to have the new columns.
        """
        operations.invoke(
            cls(
                table=table,
                old=(old,) if isinstance(old, str) else tuple(old),
                new=new,
                forward=forward,
                backward=backward,
                lossy=lossy,
                name=name,
                schema=schema,
                publications=tuple(publications),
            )
        )


@Operations.implementation_for(SyncColumns)
def sync_columns(operations: Operations, operation: SyncColumns) -> None:
    raise MigrationError("op.sync_columns is not there yet")
