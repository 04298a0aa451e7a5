"""The article's expand migration beside ours: the same change, table and writers, one after the other on one server.

The article adds the columns and fills every row in one transaction. Ours adds them under a short lock with a trigger, and fills the rows in
committed batches. Writers update random rows at a constant rate; their latency counts from the intended time.
"""

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from seachange.rehearsal import data
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.migrate import migrate

SERVICE = Path(__file__).resolve().parents[1] / "service"
ROWS = 200_000
WRITERS = 8
RATE = 200  # updates per second, all writers together

# As in the article, but for the width of `state`: its VARCHAR(2) fails on the first third part that is longer.
ARTICLE = """
ALTER TABLE customers ADD COLUMN street_address text, ADD COLUMN city text, ADD COLUMN state text, ADD COLUMN zip_code text;
UPDATE customers SET street_address = split_part(address, ',', 1), city = trim(split_part(address, ',', 2)),
    state = trim(split_part(address, ',', 3)), zip_code = trim(split_part(address, ',', 4)) WHERE address IS NOT NULL;
"""


class Writers:
    """Updates of random rows, from an open model."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._stop = threading.Event()
        self.latencies: list[float] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._write) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _write(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            intended = time.monotonic() + random.random() * WRITERS / RATE
            while not self._stop.is_set():
                time.sleep(max(0.0, intended - time.monotonic()))
                connection.execute("UPDATE customers SET name = name || '.' WHERE id = %s", [random.randint(1, ROWS)])
                self.latencies.append(time.monotonic() - intended)
                intended += WRITERS / RATE


def measure(server: PostgresServer, name: str, expand: Callable[[str], None]) -> tuple[float, float, float]:
    """Seconds of the migration, and the writers' p99 and worst latency in milliseconds from its beginning on."""
    server.create_database(name)
    dsn = server.dsn(name)
    settings = ConnectionSettings(
        host=server.host, port=server.port, database=name, user="postgres", password=server.password
    )
    migrate(settings, SERVICE / "migrations", target="0001")
    data.seed(dsn, SERVICE / "seed.sql", ROWS)
    writers = Writers(dsn)
    with writers.writing():
        time.sleep(2)
        before = len(writers.latencies)
        started = time.monotonic()
        expand(name)
        seconds = time.monotonic() - started
        time.sleep(0.5)
    during = writers.latencies[before:]
    return seconds, 1000 * percentile(during, 99), 1000 * max(during)


def main() -> None:
    """Prints both migrations and their ratios."""
    with tempfile.TemporaryDirectory(prefix="seachange-bench-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)
        (directory / "postgres").mkdir()
        with PostgresServer(directory / "postgres", logs=directory) as server:

            def article(name: str) -> None:
                with psycopg.connect(server.dsn(name)) as connection:
                    connection.execute(ARTICLE)

            def ours(name: str) -> None:
                settings = ConnectionSettings(
                    host=server.host, port=server.port, database=name, user="postgres", password=server.password
                )
                migrate(settings, SERVICE / "migrations", target="expand@head")

            print(f"expand over {ROWS:,} rows beside {RATE} updates/s; latency of the updates, from the intended time")
            results = {name: measure(server, name, expand) for name, expand in (("article", article), ("ours", ours))}
    for name, (seconds, p99, worst) in results.items():
        print(f"  {name:<8} {seconds:6.1f} s   p99 {p99:8.1f} ms   worst {worst:8.1f} ms")
    (a_seconds, a_p99, a_worst), (o_seconds, o_p99, o_worst) = results["article"], results["ours"]
    print(
        f"  the article's writers wait {a_p99 / o_p99:.0f} x as long at p99, {a_worst / o_worst:.0f} x at worst; "
        f"ours takes {o_seconds / a_seconds:.1f} x the time"
    )
