"""A foreign key on a busy table: NOT VALID first, then validated without stopping the writers."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from seachange_migrations.catalog import Relation
from seachange_migrations.errors import RefusedError
from seachange_migrations.operations.target import named, offline, require_unsynced, table_of
from seachange_migrations.operations.transactions import Steps, steps
from seachange_migrations.sql import quoted, quoted_all

PARTITIONED_FROM = 180000

FIND = """
SELECT c.contype = 'f' AND c.confrelid = :referent AND ARRAY(
           SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (attribute, n)
           JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.attribute ORDER BY k.n) = CAST(:columns AS text[])
       AND ARRAY(
           SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY AS k (attribute, n)
           JOIN pg_attribute AS a ON a.attrelid = c.confrelid AND a.attnum = k.attribute ORDER BY k.n) = CAST(:referent_columns AS text[]),
       c.convalidated
FROM pg_constraint AS c WHERE c.conrelid = :oid AND c.conname = :name
"""


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
    name = quoted(operation.name)
    if offline(operations):
        table = named(operation.table, operation.schema)
        with steps(operations) as step:
            step.locking(_add(table, named(operation.referent, operation.referent_schema), operation))
            step.locking(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        return
    connection = operations.get_bind()
    target = table_of(connection, operation.table, operation.schema)
    referent = table_of(connection, operation.referent, operation.referent_schema)
    version = int(connection.scalar(text("SELECT current_setting('server_version_num')")) or 0)
    if target.is_partitioned and version < PARTITIONED_FROM:
        raise RefusedError(
            f"{target.shown} is partitioned, and before PostgreSQL 18 a foreign key of such a table is validated under its lock: add it to each "
            "partition with op.add_foreign_key, then to the table, which then finds them proven"
        )
    require_unsynced(connection, target, operation.columns, "a foreign key")
    with steps(operations) as step:
        connection = operations.get_bind()
        found = connection.execute(
            text(FIND),
            {
                "oid": target.oid,
                "name": operation.name,
                "referent": referent.oid,
                "columns": list(operation.columns),
                "referent_columns": list(operation.referent_columns),
            },
        ).one_or_none()
        if found is None:
            step.locking(_add(target.qualified, referent.qualified, operation))
        elif not found[0]:
            raise RefusedError(
                f"{target.shown} has a constraint {operation.name} already, and it is another one: take another name"
            )
        if found is None or not found[1]:
            _validate(step, target, operation)


def _add(table: str, referent: str, operation: AddForeignKey) -> str:
    actions = [("ON DELETE", operation.ondelete), ("ON UPDATE", operation.onupdate)]
    follows = "".join(f" {event} {action}" for event, action in actions if action)
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {quoted(operation.name)} FOREIGN KEY ({quoted_all(operation.columns)}) "
        f"REFERENCES {referent} ({quoted_all(operation.referent_columns)}){follows} NOT VALID"
    )


def _validate(step: Steps, target: Relation, operation: AddForeignKey) -> None:
    try:
        step.locking(f"ALTER TABLE {target.qualified} VALIDATE CONSTRAINT {quoted(operation.name)}")
    except IntegrityError as error:
        step.locking(f"ALTER TABLE {target.qualified} DROP CONSTRAINT {quoted(operation.name)}")
        raise RefusedError(
            f"{target.shown} ({', '.join(operation.columns)}) has rows that refer to nothing in {operation.referent}, so it cannot be a "
            "foreign key: settle them, and see that no release writes more; nothing was changed"
        ) from error
