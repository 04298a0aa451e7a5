"""Ends a sync: nothing is dropped while a row, or an entry for repair, would lose what it holds."""

from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from seachange_migrations.errors import RefusedError, one_line
from seachange_migrations.sql import literal, quoted, verbatim
from seachange_migrations.sync import names
from seachange_migrations.sync.rows import divergent, is_divergent
from seachange_migrations.sync.spec import function_names
from seachange_migrations.sync.store import Registered
from seachange_migrations.sync.table import Table

DEPENDENT_OBJECTS = "2BP01"
ROWS_UNDER_LOCK = 50_000
"""Tables up to this size, by the statistics, are read once more under the lock, which takes about a tenth of a second."""

# The row's version in the catalog: another one when the trigger was disabled, enabled, dropped or made anew.
TRIGGER = """
SELECT t.xmin::text FROM pg_trigger AS t WHERE t.tgrelid = CAST(:table AS regclass) AND t.tgname = :trigger AND t.tgenabled IN ('O', 'A')
"""
# Never analyzed is -1; a partitioned table has its leaves' rows.
ROWS = """
SELECT sum(CASE WHEN c.reltuples < 0 THEN c.relpages * 100.0 + 1 ELSE c.reltuples END) FROM pg_class AS c
WHERE c.relkind = 'r' AND (c.oid = CAST(:table AS regclass) OR c.oid IN (SELECT relid FROM pg_partition_tree(CAST(:table AS regclass))))
"""


def drop(connection: Connection, execute: Callable[[str], None], sync: Registered) -> None:
    """Drops trigger, functions and old columns, in the caller's transaction. Raises RefusedError.

    The whole table is read before the lock. Under it, while the same trigger has stood all the time, no row can have got out of step, so
    that only the entries for repair are asked again, and the rows of a small table.
    """
    qualified = f"{quoted(sync.schema)}.{quoted(sync.table)}"
    asked = {"table": qualified, "trigger": names.trigger(sync.name)}
    before = connection.scalar(text(TRIGGER), asked)
    if before is None:
        raise RefusedError(
            f"sync {sync.name}: its trigger {asked['trigger']} on {sync.schema}.{sync.table} is gone or disabled, so rows may be out of "
            "step: put it back, run its backfill again, then contract"
        )
    _require_no_repair(connection, sync)
    if is_divergent(connection, sync):
        raise RefusedError(
            f"sync {sync.name}: {divergent(connection, sync.name):,} rows of {sync.schema}.{sync.table} are not in step, and their old "
            f"values would be lost: run op.backfill({sync.table!r}, sync={sync.name!r}) in an expand revision first"
        )
    execute(f"LOCK TABLE {qualified} IN ACCESS EXCLUSIVE MODE")
    _require_no_repair(connection, sync)
    rows = connection.scalar(text(ROWS), {"table": qualified}) or 0
    if connection.scalar(text(TRIGGER), asked) != before or (
        rows <= ROWS_UNDER_LOCK and is_divergent(connection, sync)
    ):
        raise RefusedError(
            f"sync {sync.name}: {sync.schema}.{sync.table} was changed past its trigger just now: run this again"
        )
    execute(f"DROP TRIGGER {quoted(names.trigger(sync.name))} ON {qualified}")
    try:
        execute(f"ALTER TABLE {qualified} " + ", ".join(f"DROP COLUMN {quoted(column)}" for column in sync.old))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != DEPENDENT_OBJECTS:
            raise
        detail = one_line(getattr(getattr(error.orig, "diag", None), "message_detail", None) or error, 300)
        raise RefusedError(
            f"sync {sync.name}: {detail}: drop it first, or let it use {', '.join(sync.new)}; nothing was changed"
        ) from error
    for function in function_names(sync.name, sync.old, sync.new):
        execute(f"DROP FUNCTION IF EXISTS {function}")
    execute(f"UPDATE seachange.sync SET dropped_at = now() WHERE name = {literal(sync.name)}")
    execute(f"DELETE FROM seachange.repair WHERE sync = {literal(sync.name)}")
    execute(f"DELETE FROM seachange.backfill WHERE spec ->> 'sync' = {literal(sync.name)}")


def _require_no_repair(connection: Connection, sync: Registered) -> None:
    """What the new release wrote and still stands where it wrote it loses nothing, though the old side cannot hold it."""
    table = Table.read(connection, sync.table, sync.schema)
    found = " AND ".join(
        f"t.{quoted(column)} = (r.key ->> {literal(column)})::{table.columns[column].type}" for column in sync.key
    )
    new = ", ".join(f"{literal(column)}, t.{quoted(column)}::text" for column in sync.new)
    lost = f"""SELECT count(*) FROM seachange.repair AS r WHERE r.sync = {literal(sync.name)} AND NOT EXISTS (
        SELECT FROM {table.qualified} AS t WHERE {found} AND jsonb_build_object({new}) @> r.original)"""
    entries = connection.scalar(verbatim(lost))
    if entries:
        raise RefusedError(
            f"sync {sync.name}: {entries:,} originals of {sync.schema}.{sync.table} wait for repair and would be lost: see them with "
            "`seachange repair list`, then `seachange repair retry`, which drops those that are settled, or `seachange repair resolve`"
        )
