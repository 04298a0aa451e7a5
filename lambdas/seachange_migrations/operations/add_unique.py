"""A unique constraint on a busy table: its index is built while others write, then made the constraint's."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic.operations import MigrateOperation, Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from seachange_migrations.catalog import Relation
from seachange_migrations.errors import RefusedError
from seachange_migrations.operations.target import named, offline, require_unsynced, table_of
from seachange_migrations.operations.transactions import Steps, steps
from seachange_migrations.sql import quoted, quoted_all

# Whatever has that name, and whether it is what is wanted.
FIND = """
SELECT coalesce(i.indrelid = :oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts AND ARRAY(
           SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attribute, n)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attribute ORDER BY k.n) = CAST(:wanted AS text[]), false),
       i.indisvalid, EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid AND c.contype IN ('u', 'p'))
FROM pg_class AS x LEFT JOIN pg_index AS i ON i.indexrelid = x.oid WHERE x.oid = to_regclass(:name)
"""


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
    name = quoted(operation.name)
    columns = quoted_all(operation.columns)
    if offline(operations):
        table = named(operation.table, operation.schema)
        with steps(operations) as step:
            step.patient(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})")
            step.locking(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")
        return
    connection = operations.get_bind()
    target = table_of(connection, operation.table, operation.schema)
    if target.is_partitioned:
        raise RefusedError(
            f"{target.shown} is partitioned, and no index of it can be built concurrently: build one on each partition, add the index ON ONLY "
            "the table, and attach them"
        )
    require_unsynced(connection, target, operation.columns, "a unique constraint")
    with steps(operations) as step:
        _build(operations.get_bind(), step, target, operation)


def _build(connection: Connection, step: Steps, target: Relation, operation: AddUnique) -> None:
    name = f"{quoted(target.schema)}.{quoted(operation.name)}"
    found = connection.execute(
        text(FIND), {"name": name, "oid": target.oid, "wanted": list(operation.columns)}
    ).one_or_none()
    if found is not None:
        is_alike, is_valid, is_constraint = found
        if not is_alike:
            raise RefusedError(
                f"{name} is there already, and is no unique index of {target.shown} ({', '.join(operation.columns)}): take another name"
            )
        if is_constraint:
            return
        if not is_valid:
            step.patient(f"DROP INDEX CONCURRENTLY {name}")
            found = None
    if found is None:
        try:
            step.patient(
                f"CREATE UNIQUE INDEX CONCURRENTLY {quoted(operation.name)} ON {target.qualified} ({quoted_all(operation.columns)})"
            )
        except IntegrityError as error:
            step.patient(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            raise RefusedError(
                f"{target.shown} has rows with the same {', '.join(operation.columns)}, so it cannot be unique: settle them, and see that no "
                "release writes more; nothing was changed"
            ) from error
    step.locking(
        f"ALTER TABLE {target.qualified} ADD CONSTRAINT {quoted(operation.name)} UNIQUE USING INDEX {quoted(operation.name)}"
    )
