"""NOT NULL on a busy table: proven by a check constraint while others write, so that the last step reads no row."""

from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from seachange_migrations.catalog import Relation
from seachange_migrations.errors import RefusedError
from seachange_migrations.operations.target import named, offline, require_unsynced, table_of
from seachange_migrations.operations.transactions import Steps, steps
from seachange_migrations.sql import quoted
from seachange_migrations.sync.names import fitting

STATE = """
SELECT a.attnotnull,
    (SELECT k.conname FROM pg_constraint AS k
     WHERE k.conrelid = :oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated),
    (SELECT k.convalidated FROM pg_constraint AS k WHERE k.conrelid = :oid AND k.contype = 'c' AND k.conname = :check)
FROM pg_attribute AS a WHERE a.attrelid = :oid AND a.attname = :column AND NOT a.attisdropped
"""


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
    check = fitting(f"{operation.table}_{operation.column}_is_not_null")
    column = quoted(operation.column)
    if offline(operations):
        table = named(operation.table, operation.schema)
        with steps(operations) as step:
            step.locking(_add(table, check, column))
            step.locking(f"ALTER TABLE {table} VALIDATE CONSTRAINT {quoted(check)}")
            step.locking(
                f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL",
                f"ALTER TABLE {table} DROP CONSTRAINT {quoted(check)}",
            )
        return
    connection = operations.get_bind()
    target = table_of(connection, operation.table, operation.schema)
    require_unsynced(connection, target, [operation.column], "NOT NULL")
    with steps(operations) as step:
        connection = operations.get_bind()
        is_not_null, invalid, validated = _state(connection, target, operation.column, check)
        drop = f"ALTER TABLE {target.qualified} DROP CONSTRAINT {quoted(check)}"
        if is_not_null and invalid is None:
            if validated is not None:
                step.locking(drop)
            return
        if invalid is not None:
            # PostgreSQL 18 knows NOT NULL that is not valid yet.
            _validate(step, target, operation.column, invalid, undo=None)
            return
        if validated is None:
            step.locking(_add(target.qualified, check, column))
        if not validated:
            _validate(step, target, operation.column, check, undo=drop)
        # The check proves it, so SET NOT NULL reads no row.
        step.locking(f"ALTER TABLE {target.qualified} ALTER COLUMN {column} SET NOT NULL", drop)


def _add(table: str, check: str, column: str) -> str:
    return f"ALTER TABLE {table} ADD CONSTRAINT {quoted(check)} CHECK ({column} IS NOT NULL) NOT VALID"


def _state(connection: Connection, target: Relation, column: str, check: str) -> tuple[bool, str | None, bool | None]:
    """Whether the column is NOT NULL, a NOT NULL of it that is not valid yet, and whether our check is valid, None without it."""
    found = connection.execute(text(STATE), {"oid": target.oid, "column": column, "check": check}).one_or_none()
    if found is None:
        raise RefusedError(f"{target.shown} has no column {column}: correct its name")
    return bool(found[0]), found[1], found[2]


def _validate(step: Steps, target: Relation, column: str, constraint: str, *, undo: str | None) -> None:
    try:
        step.locking(f"ALTER TABLE {target.qualified} VALIDATE CONSTRAINT {quoted(constraint)}")
    except IntegrityError as error:
        if undo is not None:
            step.locking(undo)
        raise RefusedError(
            f"{target.shown}.{column} is NULL in some rows, so it cannot be NOT NULL: give them a value with op.backfill in an earlier "
            "revision, and see that every release writes one; nothing was changed"
        ) from error
