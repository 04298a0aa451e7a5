"""Whether the promises of syncs hold: the round trip on real rows, and later whether anything has come into their way."""

from textwrap import indent

from sqlalchemy import Connection, text

from seachange_migrations.errors import RefusedError
from seachange_migrations.sync import guards, names, trigger
from seachange_migrations.sync.names import quoted, quoted_all, verbatim
from seachange_migrations.sync.refuse import problems
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.store import Registered, registered
from seachange_migrations.sync.table import Table

ROWS = 10_000
PAGES = 400
SECONDS = 5
"""How much of a table the round trip is tried on."""

SOURCES = """
SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = to_regnamespace('seachange') AND starts_with(proname::text, :prefix)
"""
TRIGGER = """
SELECT t.tgenabled <> 'D' FROM pg_trigger AS t WHERE t.tgrelid = :oid AND t.tgname = :trigger AND NOT t.tgisinternal
"""


def require_round_trip(connection: Connection, sync: Sync) -> int:
    """Raises RefusedError, naming a row by its key, where old values do not come back from the new side; returns the rows tried.

    At most ROWS rows, for at most SECONDS seconds, from all over the table.
    """
    pages = connection.scalar(
        text("SELECT sum(pg_relation_size(relid)) / current_setting('block_size')::int FROM pg_partition_tree(:oid)"),
        {"oid": sync.table.oid},
    ) or connection.scalar(
        text("SELECT pg_relation_size(:oid) / current_setting('block_size')::int"), {"oid": sync.table.oid}
    )
    sample = f"TABLESAMPLE SYSTEM ({100 * PAGES / pages})" if pages > PAGES else ""
    rows = f"""
        SELECT {quoted_all(column.name for column in sync.old)}, {sync.function("key")}({quoted_all(sync.table.key)}) AS "~key"
        FROM {sync.table.qualified} {sample} LIMIT {ROWS}
    """
    broken = f"CASE WHEN clock_timestamp() < now_before + interval '{SECONDS} s' THEN NOT {sync.function('survives')}({{values}}) END"
    values = ", ".join(f"s.{quoted(column.name)}" for column in sync.old)
    tried, key = connection.execute(
        verbatim(f"""
            SELECT count(broken), min("~key"::text) FILTER (WHERE broken) FROM (
                SELECT s."~key", {broken.format(values=values)} AS broken
                FROM ({rows}) AS s, (SELECT clock_timestamp() AS now_before OFFSET 0) AS c
            ) AS judged
        """)
    ).one()
    if key is not None:
        raise RefusedError(
            f"sync {sync.name} is declared lossless, but the row {key} of {sync.table.shown} does not come back: backward(forward(old)) "
            "is not the value that stands there, byte by byte, or does not convert. Mend the expressions, or declare it lossy=True: each "
            "original that would be overwritten then goes to repair"
        )
    return int(tried)


def verify(connection: Connection) -> list[str]:
    """What has come into the way of the syncs that stand: a line each, with the remedy; empty when their promises hold.

    Publications are not asked about again.
    """
    return [problem for sync in registered(connection) for problem in verify_one(connection, sync.name)]


def verify_one(connection: Connection, name: str) -> list[str]:
    """What has come into the way of one sync."""
    (sync,) = [one for one in registered(connection) if one.name == name]
    try:
        table = Table.read(connection, sync.table, sync.schema)
    except RefusedError as error:
        return [str(error)]
    missing = [column for column in (*sync.key, *sync.old, *sync.new) if column not in table.columns]
    if missing:
        return [
            f"{table.shown}, sync {name}: {', '.join(missing)} is gone: drop the sync first (op.drop_synced), then its columns"
        ]
    trigger_name = names.trigger(name)
    is_enabled = connection.scalar(text(TRIGGER), {"oid": table.oid, "trigger": trigger_name})
    if not is_enabled:
        state = "is gone" if is_enabled is None else "is disabled"
        found = [
            f"{table.shown}, sync {name}: its trigger {trigger_name} {state}, and rows get out of step: put it back, then run the backfill again"
        ]
    else:
        found = []
    publications = connection.scalars(text("SELECT pubname::text FROM pg_publication")).all()
    found += problems(
        connection,
        table,
        name=name,
        trigger=trigger_name,
        old=sync.old,
        new=sync.new,
        lossy=sync.lossy,
        publications=publications,
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
    if asked.unique and trigger.UNIQUE not in body:
        found.append("uniqueness of the old side")
    return [
        f"{table.shown}, sync {sync.name}: {what} came later than the sync, which does not test derived values for it, so that it could "
        "fail a writer: drop it until the contract revision, or make the sync anew"
        for what in found
    ]
