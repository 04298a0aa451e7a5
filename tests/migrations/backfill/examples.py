"""A table whose rows are all behind, and the backfill that brings them in step."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, NullPool, create_engine

from seachange_migrations.backfill import Backfill
from tests.migrations.databases import MASTER_PASSWORD, Database
from tests.servers.server import chosen, clients_environment, started


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


@contextmanager
def own_server(**settings: str) -> Iterator[Database]:
    """A server whose settings, slots and replicas are the test's own, and a database in it. Its master is a superuser.

    Meanwhile clients that say nothing of TLS connect as it asks, and not as the session's server does.
    """
    with started(chosen(), **settings) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in clients_environment(server).items():
            patch.setenv(name, value)
        server.create_role("shop_master", MASTER_PASSWORD, options="SUPERUSER")
        server.create_database("shop", owner="shop_master")
        yield Database(server, "shop")


@contextmanager
def session(database: Database) -> Iterator[Connection]:
    """A connection in autocommit to a server of its own."""
    engine = create_engine(database.master.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
