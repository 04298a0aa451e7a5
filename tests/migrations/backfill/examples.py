"""A table whose rows are all behind, and the backfill that brings them in step."""

from seachange_migrations.backfill import Backfill
from tests.migrations.databases import Database


def doubling(table: str = "items", **changed: object) -> Backfill:
    """Sets `twice` to twice `value`."""
    wanted = {
        "name": f"{table}_twice",
        "revision": "0002",
        "schema": "public",
        "table": table,
        "assignments": {"twice": "value * 2"},
        "behind": "twice IS DISTINCT FROM value * 2",
    }
    return Backfill(**{**wanted, **changed})  # type: ignore[arg-type]


def items(database: Database, rows: int, *, key: str = "id int PRIMARY KEY", of: str = "n") -> None:
    """The table `items`, the master's: `key` defines its column `id`, `of` is the SQL that makes it of the row's number `n`."""
    database.rows(
        f"CREATE TABLE items ({key}, value int NOT NULL, twice int);"
        f"INSERT INTO items SELECT {of}, n FROM generate_series(1, {rows}) AS n; ANALYZE items;"
        f'ALTER TABLE items OWNER TO "{database.master.user}"'
    )


def left(database: Database, table: str = "items") -> int:
    """How many rows are behind."""
    ((count,),) = database.rows(f"SELECT count(*) FROM {table} WHERE twice IS DISTINCT FROM value * 2")
    return int(count)
