"""The SQL of a batch. Values are bound, names quoted; the expressions are the author's own."""

from collections.abc import Sequence

from sqlalchemy import Connection, TextClause, text

from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.table import Table
from seachange_migrations.sql import escaped, quoted

Key = Sequence[str]
"""A key's values as PostgreSQL writes them."""

# Keys are kept as text: in one style, whatever session reads them again.
READABLE = {"DateStyle": "ISO", "IntervalStyle": "postgres", "extra_float_digits": "3"}
# A page is read through the key's index, whatever the statistics say about a table that is being rewritten.
BY_INDEX = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
}
# The cursor commits with its rows, so a server that crashes loses both or none: nobody waits for the disk.
CHEAP_COMMIT = {"synchronous_commit": "off"}


class Statements:
    """The statements for batches that begin above a `lower` key or at the table's begin, and end at an `upper` one or its end.

    `find` locks those rows of a page of keys, in key order, that are behind and that nobody else holds: `most` of them. It
    answers how many rows the page has, how many are behind, how many are locked now, and the last key as a JSON array.

    `lock` does it to every row of the page: where most are behind, to look costs more than it spares, for the update looks
    again. It answers the same, with every row behind.

    `quick_find` and `fill` are the sync's shortcut: the first asks of a row only whether it differs, before it asks whether it is
    behind; the second writes the rows that nobody has written yet, as long as no row of the sync waits for repair.

    `update` writes the rows up to `last` that are locked, as they are now. A row that this transaction alone has locked
    carries its number; one that others share lock as well does not, nor is one in the page that has changed its key
    meanwhile: they are left to a later look. `checked_update` answers how many it wrote, and of how many it was in vain.
    """

    def __init__(self, backfill: Backfill, table: Table, *, lower: bool, upper: bool) -> None:
        key, alias = escaped(", ".join(table.key)), escaped(table.alias)
        source = escaped(f"{table.qualified} AS {table.alias}")
        behind = escaped(f"({backfill.behind})")
        names = [f"k{number}" for number in range(len(table.key))]
        named = ", ".join(f"{escaped(column)} AS {name}" for column, name in zip(table.key, names, strict=True))
        last = f"SELECT {', '.join(names)} FROM page ORDER BY {', '.join(f'{name} DESC' for name in names)} LIMIT 1"
        last_as_json = f"(SELECT jsonb_build_array({', '.join(f'{name}::text' for name in names)})::text FROM last)"
        above = f"({key}) > ({_cast('lower', table)})" if lower else "true"
        within = f"{above} AND ({key}) <= ({_cast('upper', table)})" if upper else above
        self.find = text(
            _find(source, table, behind=behind, named=named, within=within, last=last, answer=last_as_json)
        )
        self.lock = text(f"""
            WITH page AS MATERIALIZED (
                SELECT {named} FROM {source} WHERE {within} ORDER BY {key} LIMIT :size
            ), last AS MATERIALIZED (
                {last}
            ), free AS (
                SELECT FROM {source} WHERE {above} AND ({key}) <= (SELECT * FROM last)
                ORDER BY {key} FOR NO KEY UPDATE SKIP LOCKED
            )
            SELECT count(*), count(*), (SELECT count(*) FROM free), {last_as_json} FROM page
        """)
        assignments = escaped(", ".join(f"{quoted(name)} = {value}" for name, value in backfill.assignments.items()))
        update = f"""
            UPDATE {source} SET {assignments}
            WHERE {above} AND ({key}) <= ({_cast("last", table)}) AND {alias}.xmax = pg_current_xact_id()::xid AND {behind}
        """
        self.update = text(update)
        self.quick_find: TextClause | None = None
        self.fill: TextClause | None = None
        if backfill.shortcut is not None:
            untouched, filling, differs = (
                escaped(backfill.shortcut[part]) for part in ("untouched", "filling", "differs")
            )
            quickly = f"(CASE WHEN {differs} THEN {behind} ELSE false END)"
            self.quick_find = text(
                _find(source, table, behind=quickly, named=named, within=within, last=last, answer=last_as_json)
            )
            self.fill = text(f"""
                UPDATE {source} SET {filling}
                WHERE {above} AND ({key}) <= ({_cast("last", table)}) AND {alias}.xmax = pg_current_xact_id()::xid
                    AND {untouched} AND NOT (SELECT EXISTS (SELECT FROM seachange.repair WHERE sync = :sync))
            """)
        self.checked_update = text(
            f"WITH written AS ({update} RETURNING {behind} IS TRUE AS still) "
            "SELECT count(*), count(*) FILTER (WHERE still) FROM written"
        )


def _find(source: str, table: Table, *, behind: str, named: str, within: str, last: str, answer: str) -> str:
    """`Statements.find`, for the condition `behind`."""
    key, alias = escaped(", ".join(table.key)), escaped(table.alias)
    # A place is unique within a partition only.
    same = f"AND ({alias}.tableoid, {alias}.ctid) IN (SELECT part, place FROM page WHERE behind)"
    return f"""
        WITH page AS MATERIALIZED (
            SELECT {alias}.tableoid AS part, {alias}.ctid AS place, {behind} IS TRUE AS behind, {named}
            FROM {source} WHERE {within} ORDER BY {key} LIMIT :size
        ), last AS (
            {last}
        ), free AS (
            SELECT FROM {source}
            WHERE {alias}.ctid = ANY (ARRAY(SELECT place FROM page WHERE behind LIMIT :most))
                {same if table.partitioned else ""}
            ORDER BY {key} FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT count(*), count(*) FILTER (WHERE behind), (SELECT count(*) FROM free), {answer} FROM page
    """


def _cast(name: str, table: Table) -> str:
    return ", ".join(f"CAST(:{name}{number} AS {escaped(kind)})" for number, kind in enumerate(table.key_types))


def bound(name: str, key: Key | None) -> dict[str, str]:
    """The parameters of a key in `Statements`: `lower`, `upper` or `last`."""
    return {f"{name}{number}": value for number, value in enumerate(key or ())}


def set_locally(connection: Connection, settings: dict[str, str]) -> None:
    """Sets `settings` until the end of the transaction, in one statement."""
    calls = ", ".join(f"set_config(:n{number}, :v{number}, true)" for number in range(len(settings)))
    names = {f"n{number}": name for number, name in enumerate(settings)}
    values = {f"v{number}": value for number, value in enumerate(settings.values())}
    connection.execute(text(f"SELECT {calls}"), names | values)
