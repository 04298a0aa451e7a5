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

    def find(self, *, lower: bool, upper: bool) -> TextClause:
        """A page of keys in order, and of its rows that are behind those that could be locked: as they are in this
        statement's snapshot, for a row that changed meanwhile is another one and is left to a later pass.

        Answers how many rows the page has, how many are behind, its last key as a JSON array, and by partition the
        places of the locked ones.
        """
        names = [f"k{number}" for number in range(len(self._table.key))]
        page_key = ", ".join(
            f"{literal(column)} AS {name}" for column, name in zip(self._table.key, names, strict=True)
        )
        within = " AND ".join(
            [
                *([f"({self._key}) > ({self._bound('lower')})"] if lower else []),
                *([f"({self._key}) <= ({self._bound('upper')})"] if upper else []),
            ]
        )
        alias = literal(self._table.alias)
        # A place is unique within a partition only.
        same = f"AND ({alias}.tableoid, {alias}.ctid) IN (SELECT part, place FROM page WHERE behind)"
        return text(f"""
            WITH page AS MATERIALIZED (
                SELECT {alias}.tableoid AS part, {alias}.ctid AS place, {self._behind} IS TRUE AS behind, {page_key}
                FROM {self._source} {f"WHERE {within}" if within else ""} ORDER BY {self._key} LIMIT :size
            ), free AS (
                SELECT {alias}.tableoid AS part, {alias}.ctid AS place FROM {self._source}
                WHERE {alias}.ctid = ANY (ARRAY(SELECT place FROM page WHERE behind))
                    {same if self._table.partitioned else ""}
                ORDER BY {self._key} FOR NO KEY UPDATE SKIP LOCKED
            ), taken AS (
                SELECT part, array_agg(place) AS places FROM free JOIN page USING (part, place) GROUP BY part
            )
            SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM page WHERE behind),
                (SELECT jsonb_build_array({", ".join(f"{name}::text" for name in names)})::text
                 FROM page ORDER BY {", ".join(f"{name} DESC" for name in names)} LIMIT 1),
                (SELECT jsonb_object_agg(part::text, jsonb_build_array(cardinality(places), places::text))::text FROM taken)
        """)

    def update(self, leaf: str, *, check: bool) -> TextClause:
        """Writes the rows in the places of `leaf`; answers how many, and of how many it was in vain when `check`ed."""
        written = f"""
            UPDATE {literal(leaf)} AS {literal(self._table.alias)} SET {self._assignments}
            WHERE {literal(self._table.alias)}.ctid = ANY (CAST(:places AS tid[]))
        """
        if not check:
            return text(written)
        return text(
            f"WITH written AS ({written} RETURNING {self._behind} IS TRUE AS still) "
            "SELECT count(*), count(*) FILTER (WHERE still) FROM written"
        )

    def _bound(self, name: str) -> str:
        types = self._table.key_types
        return ", ".join(f"CAST(:{name}{number} AS {literal(kind)})" for number, kind in enumerate(types))


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
