"""What a sync's trigger costs a client: the same committed point updates of databases with and without it, in interleaved rounds.

One client over a local TCP connection, each update a transaction of its own, on a server that waits for its disk as it does by default. The
databases have the same customers: one as release v1 left it, one with the example's expand migration, one with a renamed column. Each
release's writes are compared with the same update without a sync, within each round; the median of the rounds counts.
"""

import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

import seachange_migrations.operations  # noqa: F401 - registers them
from seachange.rehearsal import data
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.migrate import migrate

ROOT = Path(__file__).resolve().parents[1]
SERVICE = ROOT / "service"
ROWS = 20_000
ROUNDS, SERVER_ROUNDS = 40, 5
UPDATES = 50
"""Per round and kind of write."""
MOST_TIMES = 1.5
PLAIN, EXAMPLE, RENAMED = "plain", "example", "renamed"
STEP = 7919
"""Prime, so that consecutive updates lie on different pages."""

# Of database and release: the column that it writes, and the value; {0} makes each value another one.
WRITES = {
    (PLAIN, "old"): ("address", "{0} Oak Ave, Austin, TX, 73301"),
    (EXAMPLE, "old"): ("address", "{0} Oak Ave, Austin, TX, 73301"),
    (EXAMPLE, "new"): ("street_address", "{0} Elm Street"),
    (RENAMED, "old"): ("address", "{0} Oak Ave, Austin, TX, 73301"),
    (RENAMED, "new"): ("location", "{0} Oak Ave, Austin, TX, 73301"),
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one release's writes cost beside a sync. `client` and `server` are multiples of the same without it: of a client's committed
    update, and of an UPDATE of all rows, in which the trigger is all that differs. `client_ms` is one update's time.
    """

    name: str
    client_ms: float
    client: float
    server: float


@dataclass(frozen=True, kw_only=True)
class Costs:
    """All of them, and a client's committed update without a sync."""

    plain_ms: float
    costs: tuple[Cost, ...]

    @property
    def worst(self) -> Cost:
        return max(self.costs, key=lambda cost: cost.client)


def measure(dsn: str) -> Costs:
    """Makes the databases on the server of `dsn`, which is a superuser's, and measures; the databases are left."""
    _make(dsn)
    client_s: dict[tuple[str, str], list[float]] = {write: [] for write in WRITES}
    server_s: dict[tuple[str, str], list[float]] = {write: [] for write in WRITES}
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(psycopg.connect(_to(dsn, name), autocommit=True))
            for name in (PLAIN, EXAMPLE, RENAMED)
        }
        for number in range(ROUNDS):
            for write, seconds in client_s.items():
                seconds.append(_updates(clients[write[0]], *WRITES[write], number))
        for number in range(SERVER_ROUNDS):
            for write, seconds in server_s.items():
                seconds.append(_update_all(clients[write[0]], *WRITES[write], number))
    plain = PLAIN, "old"
    return Costs(
        plain_ms=statistics.median(client_s[plain]) * 1000,
        costs=tuple(
            Cost(
                name=" ".join(write),
                client_ms=statistics.median(client_s[write]) * 1000,
                client=_times(client_s[write], client_s[plain]),
                server=_times(server_s[write], server_s[plain]),
            )
            for write in WRITES
            if write != plain
        ),
    )


def _times(seconds: list[float], without: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(seconds, without, strict=True))


def _to(dsn: str, database: str) -> str:
    return make_conninfo(dsn, dbname=database)


def _settings(dsn: str, database: str) -> ConnectionSettings:
    to = conninfo_to_dict(dsn)
    return ConnectionSettings(
        host=str(to["host"]),
        port=int(str(to["port"])),
        database=database,
        user=str(to["user"]),
        password=str(to["password"]),
        sslmode=str(to.get("sslmode", "disable")),
    )


def _make(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {PLAIN}".encode())
        migrate(_settings(dsn, PLAIN), SERVICE / "migrations", target="0001")
        data.seed(_to(dsn, PLAIN), SERVICE / "seed.sql", ROWS)
        for copy in (EXAMPLE, RENAMED):
            server.execute(f"CREATE DATABASE {copy} TEMPLATE {PLAIN}".encode())
    migrate(_settings(dsn, EXAMPLE), SERVICE / "migrations")
    engine = create_engine(_settings(dsn, RENAMED).url(), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        with context.begin_transaction(), Operations.context(context) as operations:
            _rename(operations)
    for database in (PLAIN, EXAMPLE, RENAMED):
        with psycopg.connect(_to(dsn, database), autocommit=True) as client:
            client.execute("VACUUM FULL ANALYZE customers")


def _rename(op: Any) -> None:
    op.rename_column("customers", "address", "location", type_="text")
    op.backfill("customers", sync="customers_location")


def _updates(client: psycopg.Connection, column: str, value: str, number: int) -> float:
    """Seconds of one update, over UPDATES of them."""
    statement = f"UPDATE customers SET {column} = %s WHERE id = %s".encode()
    wanted = [
        (value.format(update), update * STEP % ROWS + 1) for update in range(number * UPDATES, (number + 1) * UPDATES)
    ]
    started = time.perf_counter()
    for parameters in wanted:
        client.execute(statement, parameters)
    return (time.perf_counter() - started) / UPDATES


def _update_all(client: psycopg.Connection, column: str, value: str, number: int) -> float:
    """Seconds of an update of all rows, on a table without dead rows."""
    client.execute("VACUUM FULL customers")
    started = time.perf_counter()
    client.execute(f"UPDATE customers SET {column} = %s".encode(), [value.format(f"all {number}")])
    return time.perf_counter() - started


def main() -> None:
    """Measures on a server of its own, and prints; the promise and whether it holds come last."""
    with tempfile.TemporaryDirectory(prefix="seachange-bench-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)
        (directory / "postgres").mkdir()
        with PostgresServer(directory / "postgres", logs=directory) as server:
            found = measure(server.dsn())
    print(f"a client's committed point update beside a sync, median of {ROUNDS} interleaved rounds of {UPDATES}")
    print(f"  {'without':<12} {found.plain_ms:6.3f} ms")
    for cost in found.costs:
        print(
            f"  {cost.name:<12} {cost.client_ms:6.3f} ms, {cost.client:.2f} x; on the server alone {cost.server:.1f} x"
        )
    print(
        f"  {'holds ' if found.worst.client <= MOST_TIMES else 'MISSES'} a client's update costs {found.worst.client:.2f} x at most "
        f"({found.worst.name}), promised {MOST_TIMES:g} x"
    )


if __name__ == "__main__":
    main()
