"""Splits a table into ranges of its key, so that workers share it: no two of them ever take the same row."""

import json

from sqlalchemy import Connection, text

from seachange_migrations.backfill import store
from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.statements import READABLE, Key, set_locally
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.transactions import transaction
from seachange_migrations.sql import escaped

# Enough for the bounds of a few dozen ranges to lie within some percent of the true quantiles.
SAMPLED_ROWS = 30_000


def divide(connection: Connection, backfill: Backfill, table: Table, rows: int, ranges: int) -> tuple[int, ...]:
    """Splits a backfill of about `rows` into at most `ranges` ranges, unless it is split already; returns their numbers."""
    if not store.numbers(connection, backfill.name):
        store.add_ranges(connection, backfill.name, bounds(connection, table, rows, ranges))
    return store.numbers(connection, backfill.name)


def bounds(connection: Connection, table: Table, rows: int, ranges: int) -> list[Key]:
    """The keys that split a table of about `rows` into at most `ranges` parts of like size, in order, from a sample of pages."""
    names = [f"k{number}" for number in range(len(table.key))]
    columns = ", ".join(f"{escaped(column)} AS {name}" for column, name in zip(table.key, names, strict=True))
    percent = 100.0 if rows <= SAMPLED_ROWS else 100 * SAMPLED_ROWS / rows
    order = ", ".join(names)
    query = f"""
        WITH sample AS (
            SELECT {columns} FROM {escaped(table.qualified)} AS {escaped(table.alias)} TABLESAMPLE SYSTEM ({percent})
        ), parts AS (
            SELECT *, ntile(:ranges) OVER (ORDER BY {order}) AS part FROM sample
        )
        SELECT DISTINCT ON (part) jsonb_build_array({", ".join(f"{name}::text" for name in names)})::text FROM parts
        WHERE part < :ranges ORDER BY part, {", ".join(f"{name} DESC" for name in names)}
    """
    with transaction(connection):
        set_locally(connection, READABLE)
        found = connection.scalars(text(query), {"ranges": ranges}).all()
    return [tuple(json.loads(key)) for key in found]
