"""New columns that take the place of old ones, and the trigger that keeps both in step, whichever release writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import MigrateOperation, Operations
from alembic.util import CommandError
from sqlalchemy import Column, Connection
from sqlalchemy.types import TypeEngine, to_instance

from seachange_migrations import state
from seachange_migrations.driver import in_autocommit
from seachange_migrations.errors import InvalidRequestError, RefusedError
from seachange_migrations.journal import unjournalled
from seachange_migrations.operations.transactions import impatient
from seachange_migrations.running import current
from seachange_migrations.sql import verbatim
from seachange_migrations.sync import create, trigger
from seachange_migrations.sync.effects import column_grants, silent_triggers
from seachange_migrations.sync.on_rows import require_names_found, require_round_trip
from seachange_migrations.sync.spec import Sync

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
    wanted = _wanted(operations, operation)
    if operations.migration_context.as_sql:
        raise CommandError("op.sync_columns reads the table's types and key: run it on a connection, without --sql")
    connection = operations.get_bind()
    if in_autocommit(connection):
        raise InvalidRequestError(
            "op.sync_columns adds columns and trigger in one transaction: call it outside of autocommit_block()"
        )
    with unjournalled():
        state.ensure(connection)
        if not create.stands(connection, wanted):
            _make(
                connection,
                create.prepare(connection, wanted),
                lambda statement: operations.execute(verbatim(statement)),
            )


def _make(connection: Connection, sync: Sync, execute: Callable[[str], None]) -> None:
    create.make_functions(execute, sync)
    require_names_found(connection, sync)
    if not sync.lossy:
        rows = require_round_trip(connection, sync)
        current().on_progress({"event": "round_trip_verified", "sync": sync.name, "rows": rows})
    old, new = ([column.name for column in columns] for columns in (sync.old, sync.new))
    for found in silent_triggers(connection, sync.table, old, new):
        current().on_progress({"event": "trigger_does_not_fire", "sync": sync.name, "trigger": found})
    create.register(execute, sync, current().revision)
    # What locks the busy table comes last, and columns and trigger become visible together.
    grants = column_grants(connection, sync)
    with impatient(connection):
        for statement in (trigger.add_columns(sync), trigger.create_trigger(sync), *grants):
            execute(statement)


def _wanted(operations: Operations, operation: SyncColumns) -> create.Wanted:
    """The operation with types as SQL writes them. Raises InvalidRequestError for what a new column cannot have."""
    new = _types(operations, operation)
    if not operation.old or not new or set(operation.old) & set(new) or len(set(operation.old)) < len(operation.old):
        raise InvalidRequestError(
            f"op.sync_columns({operation.table!r}): old and new each name one column or more, none of them twice"
        )
    name = operation.name or f"{operation.table}_{next(iter(new))}"
    return create.Wanted(
        name=name,
        table=operation.table,
        schema=operation.schema,
        old=operation.old,
        new=new,
        forward=operation.forward,
        backward=operation.backward,
        lossy=operation.lossy,
        publications=operation.publications,
    )


def _types(operations: Operations, operation: SyncColumns) -> dict[str, str]:
    dialect = operations.migration_context.dialect
    if isinstance(operation.new, Mapping):
        return {
            name: type_ if isinstance(type_, str) else to_instance(type_).compile(dialect=dialect)
            for name, type_ in operation.new.items()
        }
    for column in operation.new:
        asked = {
            "nullable=False": not column.nullable,
            "server_default": column.server_default is not None,
            "unique": bool(column.unique),
            "index": bool(column.index),
            "primary_key": column.primary_key,
            "a foreign key": bool(column.foreign_keys),
        }
        if found := [what for what, is_asked in asked.items() if is_asked]:
            raise RefusedError(
                f"op.sync_columns({operation.table!r}): new column {column.name} has {', '.join(found)}, which a derived value could violate "
                "and so fail a writer: add it in the contract revision, after op.drop_synced; an index after the backfill"
            )
    return {str(column.name): column.type.compile(dialect=dialect) for column in operation.new}
