"""What a sync's trigger costs a client: the same committed point updates on tables with and without it, in interleaved rounds."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import seachange_migrations.operations  # noqa: F401 - registers them

ROWS = 20_000
ROUNDS = 15
UPDATES = 200
"""Per round and table, each a transaction of its own."""

SCHEMA = """
DROP TABLE IF EXISTS cost_plain, cost_renamed, cost_typed, cost_split;
CREATE TABLE cost_plain (id int PRIMARY KEY, name text, amount text, address text) WITH (fillfactor = 70);
INSERT INTO cost_plain SELECT i, 'n' || i, i::text, i || ' Road, Town, NY, ' || i FROM generate_series(1, {rows}) AS i;
CREATE TABLE cost_renamed (LIKE cost_plain INCLUDING ALL);
CREATE TABLE cost_typed (LIKE cost_plain INCLUDING ALL);
CREATE TABLE cost_split (LIKE cost_plain INCLUDING ALL);
INSERT INTO cost_renamed TABLE cost_plain;
INSERT INTO cost_typed TABLE cost_plain;
INSERT INTO cost_split TABLE cost_plain;
CREATE OR REPLACE FUNCTION cost_parts(address text, OUT street text, OUT city text, OUT state text, OUT zip text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    street := split_part(address, ', ', 1); city := split_part(address, ', ', 2);
    state := split_part(address, ', ', 3); zip := split_part(address, ', ', 4);
END $$;
"""
# Table to the column that the old release writes, the one that the new release writes, and the sync.
Sync = Callable[[Operations], Any]
SYNCS: dict[str, tuple[str, str, Sync]] = {
    "cost_renamed": ("name", "title", lambda op: op.rename_column("cost_renamed", "name", "title", type_="text")),
    "cost_typed": (
        "amount",
        "cents",
        lambda op: op.change_type(
            "cost_typed", "amount", "cents", "int", forward="amount::int", backward="cents::text"
        ),
    ),
    "cost_split": (
        "address",
        "city",
        lambda op: op.sync_columns(
            "cost_split",
            old="address",
            new={"street": "text", "city": "text", "state": "text", "zip": "text"},
            forward="public.cost_parts(address)",
            backward="street || ', ' || city || ', ' || state || ', ' || zip",
        ),
    ),
}
FIRST = {"cost_renamed": "title", "cost_typed": "cents", "cost_split": "street"}
VALUES = {
    "name": "v{0}",
    "title": "v{0}",
    "amount": "{0}",
    "cents": "{0}",
    "address": "{0} Street, City, CA, 9",
    "city": "City {0}",
}


def measure(dsn: str) -> dict[str, Any]:
    """Medians over the rounds, in milliseconds for a committed point update, and each ratio to the plain table.

    `dsn` names a scratch database on a server of one's own; tables are made and dropped in it. By table: `plain_ms`, then for each kind
    of sync and each release's writes `<kind>_<old|new>_ms` and `…_ratio`, and `<kind>_server_ratio`, of one UPDATE of all rows.
    """
    _make(dsn)
    written = [("cost_plain", column) for column in ("name", "amount", "address")]
    written += [(table, column) for table, (old, new, _) in SYNCS.items() for column in (old, new)]
    took: dict[tuple[str, str], list[float]] = {pair: [] for pair in written}
    server: dict[str, list[float]] = {table: [] for table in ("cost_plain", *SYNCS)}
    number = 0
    with psycopg.connect(dsn, autocommit=True) as client:
        for _ in range(ROUNDS):
            for table, column in written:
                number += 1
                took[table, column].append(_round(client, table, column, number))
        for _ in range(3):
            for table in server:
                number += 1
                column = SYNCS[table][0] if table in SYNCS else "name"
                started = time.perf_counter()
                client.execute(f"UPDATE {table} SET {column} = %s".encode(), [VALUES[column].format(number)])
                server[table].append(time.perf_counter() - started)
                client.execute(f"VACUUM {table}".encode())
        client.execute("DROP TABLE cost_plain, cost_renamed, cost_typed, cost_split")
        client.execute("DROP FUNCTION cost_parts(text)")
        client.execute("DROP SCHEMA seachange CASCADE")
    ms = {pair: statistics.median(values) for pair, values in took.items()}
    plain = statistics.median(ms["cost_plain", column] for column in ("name", "amount", "address"))
    found: dict[str, Any] = {"plain_ms": round(plain, 4)}
    for table, (old, new, _) in SYNCS.items():
        kind = table.removeprefix("cost_")
        for release, column in (("old", old), ("new", new)):
            found[f"{kind}_{release}_ms"] = round(ms[table, column], 4)
            found[f"{kind}_{release}_ratio"] = round(ms[table, column] / plain, 2)
        found[f"{kind}_server_ratio"] = round(
            statistics.median(server[table]) / statistics.median(server["cost_plain"]), 2
        )
    return found


def _make(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as client:
        client.execute(SCHEMA.format(rows=ROWS).encode())
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with context.begin_transaction(), Operations.context(context) as operations:
            for table, (*_, sync) in SYNCS.items():
                sync(operations)
                operations.backfill(table, sync=f"{table}_{FIRST[table]}")
    with psycopg.connect(dsn, autocommit=True) as client:
        client.execute("VACUUM ANALYZE")


def _round(client: psycopg.Connection, table: str, column: str, number: int) -> float:
    """Milliseconds of one update, over UPDATES of them."""
    statement = f"UPDATE {table} SET {column} = %s WHERE id = %s".encode()
    started = time.perf_counter()
    for update in range(UPDATES):
        key = (number * UPDATES + update) * 7919 % ROWS + 1
        client.execute(statement, [_value(column, number * UPDATES + update), key])
    return (time.perf_counter() - started) * 1000 / UPDATES


def _value(column: str, number: int) -> Any:
    return number if column == "cents" else VALUES[column].format(number)
