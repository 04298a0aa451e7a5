"""What real rows say of a sync before it stands: whether its functions find what they name, and whether the round trip loses nothing."""

from textwrap import indent

from sqlalchemy import Connection, text

from seachange_migrations.errors import RefusedError
from seachange_migrations.sql import quoted, quoted_all, verbatim
from seachange_migrations.sync.fragments import CAUGHT, FIXED_PATH, declared, variables
from seachange_migrations.sync.spec import Sync

ROWS = 10_000
PAGES = 400
SECONDS = 5
"""How much of a table is tried."""

MISSING = 'pg_temp."~seachange_missing"'


def require_names_found(connection: Connection, sync: Sync) -> None:
    """Raises RefusedError where a function of the author's own relies on a search_path that the trigger does not have.

    It would fail for each value, and all would wait for repair. A row of NULLs is tried beside those of the table.
    """
    if sync.is_identity:
        return
    there, back = variables("n", sync.new), variables("o", sync.old)
    sources = [f"${number}" for number in range(1, len(sync.old) + 1)]
    tries = "\n".join(
        f"BEGIN\n{indent(convert, '    ')}\nEXCEPTION WHEN syntax_error_or_access_rule_violation THEN\n    RETURN '{direction}: ' || SQLERRM;\n"
        f"{CAUGHT.removeprefix('EXCEPTION ')}\n    NULL;\nEND;"
        for direction, convert in (
            ("forward", sync.forward.into(there, sources)),
            ("backward", sync.backward.into(back, there)),
        )
    )
    declare = f"{declared('n', sync.new)}\n{declared('o', sync.old)}\nconverted record;"
    connection.execute(
        verbatim(
            f"CREATE FUNCTION {MISSING}({', '.join(column.base for column in sync.old)}) RETURNS text LANGUAGE plpgsql {FIXED_PATH} AS "
            f"$seachange$\nDECLARE\n{declare}\nBEGIN\n{tries}\nRETURN NULL;\nEND\n$seachange$"
        )
    )
    nulls = ", ".join(f"NULL::{column.base}" for column in sync.old)
    found = connection.scalar(
        verbatim(f"""
            SELECT coalesce({MISSING}({nulls}), (
                SELECT min(missing) FROM ({_tried(connection, sync, f"{MISSING}({{values}})", "missing")}) AS tried))
        """)
    )
    if found is not None:
        raise RefusedError(
            f"sync {sync.name}: {found}. The trigger, whose search_path is pg_catalog, cannot convert: a function of yours names what only "
            "your own search_path finds. Name it with its schema there, or ALTER FUNCTION … SET search_path = …"
        )
    connection.execute(verbatim(f"DROP FUNCTION {MISSING}"))


def require_round_trip(connection: Connection, sync: Sync) -> int:
    """Raises RefusedError, naming a row by its key, where old values do not come back from the new side; returns the rows tried."""
    tried, key = connection.execute(
        verbatim(f"""
            SELECT count(broken), min("~key"::text) FILTER (WHERE broken)
            FROM ({_tried(connection, sync, f"NOT {sync.function('survives')}({{values}})", "broken")}) AS judged
        """)
    ).one()
    if key is not None:
        raise RefusedError(
            f"sync {sync.name} is declared lossless, but the row {key} of {sync.table.shown} does not come back: backward(forward(old)) "
            "is not the value that stands there, byte by byte, or does not convert. Mend the expressions, or declare it lossy=True: each "
            "original that would be overwritten then goes to repair"
        )
    return int(tried)


def _tried(connection: Connection, sync: Sync, asked: str, named: str) -> str:
    """SQL for what `asked`, an expression over {values}, says of rows: at most ROWS, for at most SECONDS, from all over the table."""
    pages = connection.scalar(
        text("SELECT sum(pg_relation_size(relid)) / current_setting('block_size')::int FROM pg_partition_tree(:oid)"),
        {"oid": sync.table.oid},
    ) or connection.scalar(
        text("SELECT pg_relation_size(:oid) / current_setting('block_size')::int"), {"oid": sync.table.oid}
    )
    sample = f"TABLESAMPLE SYSTEM ({100 * PAGES / pages})" if pages > PAGES else ""
    values = ", ".join(f"s.{quoted(column.name)}" for column in sync.old)
    return f"""
        SELECT s."~key", CASE WHEN clock_timestamp() < c.began + interval '{SECONDS} s' THEN {asked.format(values=values)} END AS {named}
        FROM (SELECT {quoted_all(column.name for column in sync.old)}, {sync.function("key")}({quoted_all(sync.table.key)}) AS "~key"
              FROM {sync.table.qualified} {sample} LIMIT {ROWS}) AS s, (SELECT clock_timestamp() AS began OFFSET 0) AS c
    """
