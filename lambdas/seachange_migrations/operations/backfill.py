"""The rows that were there before: in committed batches that nobody waits for, until a fresh scan finds none left."""

from collections.abc import Mapping
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations
from alembic.util import CommandError

from seachange_migrations.backfill import Backfill, run
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.operations.target import offline, table_of
from seachange_migrations.operations.transactions import committing
from seachange_migrations.running import current
from seachange_migrations.sync.rows import assignments, behind_predicate
from seachange_migrations.sync.store import find


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
    if (operation.sync is None) == (not operation.assignments) or (operation.where is None) != (
        operation.sync is not None
    ):
        raise InvalidRequestError(
            f"op.backfill({operation.table!r}): give either sync=, or set= and where=, the rows that still need it"
        )
    if offline(operations):
        raise CommandError("op.backfill reads rows to decide what to write: run it on a connection, without --sql")
    wanted = _backfill(operations, operation)
    with committing(operations):
        run(operations.get_bind(), wanted)


def _backfill(operations: Operations, operation: BackfillRows) -> Backfill:
    connection = operations.get_bind()
    target = table_of(connection, operation.table, operation.schema)
    # Plain Alembic does not say which revision runs: the one after these.
    revision = current().revision or "after " + (", ".join(operations.get_context().get_current_heads()) or "nothing")
    if operation.sync is not None:
        sync = find(connection, operation.sync)
        if (sync.schema, sync.table) != (target.schema, target.name):
            raise InvalidRequestError(
                f"sync {sync.name} is one of {sync.schema}.{sync.table}, not of {target.shown}: correct the call"
            )
        return Backfill(
            name=operation.name or sync.name,
            revision=revision,
            schema=target.schema,
            table=target.name,
            assignments=assignments(connection, sync.name),
            behind=behind_predicate(connection, sync.name),
            sync=sync.name,
            shortcut=sync.shortcut,
        )
    name = operation.name or f"{revision} {target.shown} {', '.join(operation.assignments)}"
    return Backfill(
        name=name,
        revision=revision,
        schema=target.schema,
        table=target.name,
        assignments=operation.assignments,
        behind=operation.where or "",
    )
