"""Which rows of a sync are not in step, and how the backfill brings them in step."""

from sqlalchemy import Connection

from seachange_migrations.sql import quoted, verbatim
from seachange_migrations.sync import names
from seachange_migrations.sync.store import Registered, find


def behind_predicate(connection: Connection, name: str) -> str:
    """SQL over a row of the synced table: whether it is neither in step nor in repair."""
    return behind(find(connection, name))


def assignments(connection: Connection, name: str) -> dict[str, str]:
    """What a backfill of the sync sets, with `seachange.sync` off: a column to itself, for the trigger derives the new side."""
    sync = find(connection, name)
    return {sync.new[0]: f"{quoted(sync.table)}.{quoted(sync.new[0])}"}


def divergent(connection: Connection, name: str) -> int:
    """How many rows are neither in step nor in repair; it reads the whole table."""
    sync = find(connection, name)
    count = f"SELECT count(*) FROM {quoted(sync.schema)}.{quoted(sync.table)} WHERE {behind(sync)}"
    return int(connection.execute(verbatim(count)).scalar_one())


def is_divergent(connection: Connection, sync: Registered) -> bool:
    """Whether any row is neither in step nor in repair; it reads the whole table where none is."""
    found = f"SELECT EXISTS (SELECT FROM {quoted(sync.schema)}.{quoted(sync.table)} WHERE {behind(sync)})"
    return bool(connection.execute(verbatim(found)).scalar_one())


def behind(sync: Registered) -> str:
    """The predicate of `behind_predicate` for a sync at hand."""
    values = ", ".join(f"{quoted(sync.table)}.{quoted(column)}" for column in (*sync.old, *sync.new))
    key = ", ".join(f"{quoted(sync.table)}.{quoted(column)}" for column in sync.key)
    in_step, in_repair = names.function(sync.name, "in_step"), names.function(sync.name, "in_repair")
    return f"CASE WHEN {in_step}({values}) THEN false ELSE NOT {in_repair}({key}) END"
