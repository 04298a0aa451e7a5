"""Whether anything has come into the way of what standing syncs promise."""

from textwrap import indent

from sqlalchemy import Connection, text

from seachange_migrations.errors import RefusedError
from seachange_migrations.sync import guards, names, trigger
from seachange_migrations.sync.effects import silent_triggers
from seachange_migrations.sync.refuse import problems
from seachange_migrations.sync.store import Registered, registered
from seachange_migrations.sync.table import Table

SOURCES = """
SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = to_regnamespace('seachange') AND starts_with(proname::text, :prefix)
"""
TRIGGER = """
SELECT t.tgenabled <> 'D', pg_get_userbyid(p.proowner)::text FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgrelid = :oid AND t.tgname = :trigger AND NOT t.tgisinternal
"""


def verify(connection: Connection, name: str | None = None) -> list[str]:
    """What has come into the way of the syncs that stand, or of one: a line each, with the remedy; empty when their promises hold.

    Publications are not asked about again.
    """
    return [
        problem
        for sync in registered(connection)
        if name in (None, sync.name)
        for problem in verify_one(connection, sync.name)
    ]


def verify_one(connection: Connection, name: str) -> list[str]:
    """What has come into the way of one sync."""
    (sync,) = [one for one in registered(connection) if one.name == name]
    table = _table(connection, sync)
    if isinstance(table, str):
        return [table]
    return _broken(connection, sync, table) + [
        f"{table.shown}, sync {name}: trigger {silent} alone, does not fire for what is derived: let it name the columns of both sides"
        for silent in silent_triggers(connection, table, sync.old, sync.new)
    ]


def broken(connection: Connection) -> list[str]:
    """What breaks the promise of a sync that stands, so that it would be refused today: a line each, with the remedy.

    Asked of the catalog alone, so it takes as long for a table of any size.
    """
    found: list[str] = []
    for sync in registered(connection):
        table = _table(connection, sync)
        found += [table] if isinstance(table, str) else _broken(connection, sync, table)
    return found


def _table(connection: Connection, sync: Registered) -> Table | str:
    """The table of a sync with all columns of the sync, or the line that says why it is not there."""
    try:
        table = Table.read(connection, sync.table, sync.schema)
    except RefusedError as error:
        return str(error)
    missing = [column for column in (*sync.key, *sync.old, *sync.new) if column not in table.columns]
    if missing:
        return f"{table.shown}, sync {sync.name}: {', '.join(missing)} is gone: drop the sync first (op.drop_synced), then its columns"
    return table


def _broken(connection: Connection, sync: Registered, table: Table) -> list[str]:
    trigger_name = names.trigger(sync.name)
    there = connection.execute(text(TRIGGER), {"oid": table.oid, "trigger": trigger_name}).one_or_none()
    is_enabled, owner = there or (None, None)
    found: list[str] = []
    if not is_enabled:
        state = "is gone" if is_enabled is None else "is disabled"
        found.append(
            f"{table.shown}, sync {sync.name}: its trigger {trigger_name} {state}, and rows get out of step: put it back, then run the "
            "backfill again"
        )
    publications = connection.scalars(text("SELECT pubname::text FROM pg_publication")).all()
    found += problems(
        connection,
        table,
        name=sync.name,
        trigger=trigger_name,
        old=sync.old,
        new=sync.new,
        lossy=sync.lossy,
        publications=publications,
        role=owner,
    )
    return found + _untested(connection, table, sync)


def _untested(connection: Connection, table: Table, sync: Registered) -> list[str]:
    """Constraints of the old side that the trigger's functions do not know of, for they came later."""
    found_sources = connection.execute(text(SOURCES), {"prefix": sync.name}).all()
    sources: dict[str, str] = {row[0]: row[1] for row in found_sources}
    body = sources.get(names.function_name(sync.name, "sync"), "")
    fits = sources.get(names.function_name(sync.name, "fits"), "")
    asked = guards.read(connection, table, sync.old)
    found = [
        f"NOT NULL of {name}"
        for name in sync.old
        if table.columns[name].not_null and trigger.not_null(name) not in body
    ]
    found += [f"constraint {name}" for name, test in asked.tests.items() if indent(test, "    ") not in fits]
    # Where both sides hold the same value, one is as unique as the other.
    if asked.unique and trigger.FAILED in body and trigger.UNIQUE not in body:
        found.append("uniqueness of the old side")
    return [
        f"{table.shown}, sync {sync.name}: {what} came later than the sync, which does not test derived values for it, so that it could "
        "fail a writer: drop it until the contract revision, or make the sync anew"
        for what in found
    ]
