"""The SQL of a batch. Values are bound, names quoted; the expressions are the author's own."""

from collections.abc import Sequence

from sqlalchemy import Connection, TextClause, text

from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.table import Table

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
    """The statements for the batches of one backfill."""

    def __init__(self, backfill: Backfill, table: Table) -> None:
        self._table = table
        self._behind = literal(f"({backfill.behind})")
        self._source = literal(f"{table.qualified} AS {table.alias}")
        self._assignments = literal(", ".join(f"{quoted(name)} = {sql}" for name, sql in backfill.assignments.items()))
        self._key = literal(", ".join(table.key))
        self._names = [f"k{number}" for number in range(len(table.key))]
        self._named_key = ", ".join(
            f"{literal(key)} AS {name}" for key, name in zip(table.key, self._names, strict=True)
        )
        values = ", ".join(f"{name}::text" for name in self._names)
        self._last_as_json = f"(SELECT jsonb_build_array({values})::text FROM last)"

    def find(self, *, lower: bool, upper: bool) -> TextClause:
        """Locks those rows of a page of keys, in key order, that are behind and that nobody else holds: `most` of them.

        Answers how many rows the page has, how many of them are behind, how many are locked now, and the last key as a
        JSON array.
        """
        alias = literal(self._table.alias)
        # A place is unique within a partition only.
        same = f"AND ({alias}.tableoid, {alias}.ctid) IN (SELECT part, place FROM page WHERE behind)"
        return text(f"""
            WITH page AS MATERIALIZED (
                SELECT {alias}.tableoid AS part, {alias}.ctid AS place, {self._behind} IS TRUE AS behind, {self._named_key}
                FROM {self._source} WHERE {self._within(lower, upper)} ORDER BY {self._key} LIMIT :size
            ), last AS (
                {self._last("page")}
            ), free AS (
                SELECT FROM {self._source}
                WHERE {alias}.ctid = ANY (ARRAY(SELECT place FROM page WHERE behind LIMIT :most))
                    {same if self._table.partitioned else ""}
                ORDER BY {self._key} FOR NO KEY UPDATE SKIP LOCKED
            )
            SELECT count(*), count(*) FILTER (WHERE behind), (SELECT count(*) FROM free), {self._last_as_json} FROM page
        """)

    def lock(self, *, lower: bool, upper: bool) -> TextClause:
        """Locks those rows of a page that nobody else holds, whether behind or not: where most are, to look costs more than
        it spares, for the update looks again. Answers as `find`, with every row behind.
        """
        return text(f"""
            WITH page AS MATERIALIZED (
                SELECT {self._named_key} FROM {self._source} WHERE {self._within(lower, upper)} ORDER BY {self._key} LIMIT :size
            ), last AS MATERIALIZED (
                {self._last("page")}
            ), free AS (
                SELECT FROM {self._source} WHERE {self._within(lower, False)} AND ({self._key}) <= (SELECT * FROM last)
                ORDER BY {self._key} FOR NO KEY UPDATE SKIP LOCKED
            )
            SELECT count(*), count(*), (SELECT count(*) FROM free), {self._last_as_json} FROM page
        """)

    def update(self, *, lower: bool, check: bool) -> TextClause:
        """Writes the rows up to the key `upper` that `find` has locked, as they are now; answers how many, and of how many
        it was in vain when `check`ed.

        A row that this transaction has locked carries its number. One that others share lock as well does not, and is left
        to a later pass; so is one that changed its key meanwhile.
        """
        written = f"""
            UPDATE {self._source} SET {self._assignments}
            WHERE {self._within(lower, True)}
                AND {literal(self._table.alias)}.xmax = pg_current_xact_id()::xid AND {self._behind}
        """
        if not check:
            return text(written)
        return text(
            f"WITH written AS ({written} RETURNING {self._behind} IS TRUE AS still) "
            "SELECT count(*), count(*) FILTER (WHERE still) FROM written"
        )

    def _within(self, lower: bool, upper: bool) -> str:
        lowest = [f"({self._key}) > ({self._bound('lower')})"] if lower else []
        highest = [f"({self._key}) <= ({self._bound('upper')})"] if upper else []
        return " AND ".join([*lowest, *highest]) or "true"

    def _bound(self, name: str) -> str:
        types = self._table.key_types
        return ", ".join(f"CAST(:{name}{number} AS {literal(kind)})" for number, kind in enumerate(types))

    def _last(self, page: str) -> str:
        return f"SELECT {', '.join(self._names)} FROM {page} ORDER BY {', '.join(f'{name} DESC' for name in self._names)} LIMIT 1"


def bound(name: str, key: Key | None) -> dict[str, str]:
    """The parameters of a key's bound in `Statements.find`."""
    return {f"{name}{number}": value for number, value in enumerate(key or ())}


def set_locally(connection: Connection, settings: dict[str, str]) -> None:
    """Sets `settings` until the end of the transaction, in one statement."""
    calls = ", ".join(f"set_config(:n{number}, :v{number}, true)" for number in range(len(settings)))
    names = {f"n{number}": name for number, name in enumerate(settings)}
    values = {f"v{number}": value for number, value in enumerate(settings.values())}
    connection.execute(text(f"SELECT {calls}"), names | values)


def quoted(name: str) -> str:
    """An identifier as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def literal(fragment: str) -> str:
    """`fragment` as `text()` passes it on: a colon begins no parameter."""
    return fragment.replace(":", "\\:")
