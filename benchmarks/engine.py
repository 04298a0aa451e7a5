"""The engine's promises, measured as a client beside 300 requests a second of point reads and writes.

On one server, each from the same rows: a quiet stretch for the baseline, then the migration. Ours adds four columns with their sync and fills
them, gently and fast; the article's script does it in one transaction; pgroll does it its way where it can be built. A plain UPDATE of all
rows of one copy, beside the load on another, gives the row rate to compare with. Run alone: `python -m benchmarks.engine [rows]`.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import pgroll
from benchmarks.load import RATE, Latencies, loading
from seachange.rehearsal import data
from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.migrate import migrate
from seachange_migrations.running import ProfileName

ROOT = Path(__file__).resolve().parents[1]
SERVICE = ROOT / "service"
ROWS = int(os.environ.get("SEACHANGE_BENCH_ROWS", "1000000"))
SETTLE_S, BASELINE_S = 2.0, 10.0
LONGEST_S = 1800.0
SEEDED = "seeded"
# A server as large as its table, as people run it: pages come from its memory, and a checkpoint does not fall into each second.
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "autovacuum": "on"}

COLUMNS = {
    "street_address": "split_part(address, ',', 1)",
    "city": "trim(split_part(address, ',', 2))",
    "state": "trim(split_part(address, ',', 3))",
    "zip_code": "trim(split_part(address, ',', 4))",
}
ADD = f"ALTER TABLE customers {', '.join(f'ADD COLUMN {name} text' for name in COLUMNS)}"
FILL = f"UPDATE customers SET {', '.join(f'{name} = {value}' for name, value in COLUMNS.items())}"

# What each profile promises.
P99_RATIO, P99_MORE_MS = 1.5, 10.0
WORST_MS = 250.0
RATE_RATIOS: dict[ProfileName, float] = {"gentle": 0.25, "fast": 0.60}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A migration under load: its rows a second, and its clients before and while it ran."""

    name: str
    rows_per_s: float
    before: Latencies
    during: Latencies

    @property
    def p99_allowed(self) -> float:
        return max(P99_RATIO * self.before.p99, self.before.p99 + P99_MORE_MS)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One line of the acceptance."""

    text: str
    holds: bool


@dataclass(frozen=True, kw_only=True)
class EngineFigures:
    """What one run found. `plain_rows_per_s` is the plain UPDATE's; `missing` says why a peer was not measured."""

    rows: int
    plain_rows_per_s: float
    gentle: Measured
    fast: Measured
    article: Measured
    pgroll: Measured | None
    missing: str = ""
    promises: tuple[Promise, ...] = field(default=())


REVISION = f"""
from alembic import op

revision, down_revision, branch_labels = "0002", "0001", ("expand",)


def upgrade() -> None:
    op.sync_columns(
        "customers",
        old="address",
        new={dict.fromkeys(COLUMNS, "text")!r},
        forward={COLUMNS!r},
        backward="street_address || ', ' || city || ', ' || state || ', ' || zip_code",
        lossy=True,
    )
    op.backfill("customers", sync="customers_street_address")
"""


class Bench:
    """A server with a seeded database, of which every measurement gets a copy."""

    def __init__(self, server: PostgresServer, folder: Path, rows: int) -> None:
        self._server = server
        self._folder = folder
        self._rows = rows
        server.create_database(SEEDED)
        migrate(self.settings(SEEDED), SERVICE / "migrations", target="0001")
        data.seed(server.dsn(SEEDED), SERVICE / "seed.sql", rows)
        self._execute(SEEDED, "VACUUM ANALYZE customers")

    def settings(self, database: str) -> ConnectionSettings:
        server = self._server
        return ConnectionSettings(
            host=server.host,
            port=server.port,
            database=database,
            user="postgres",
            password=server.password,
            sslmode="disable",
        )

    def plain(self) -> float:
        """Rows a second of one UPDATE of all rows, beside the same load as the others have, but on another copy: on its own
        rows the load would stand still, and leave it the whole machine.
        """
        name, beside = self._copy("plain"), self._copy("beside")
        self._execute(name, ADD)
        with loading(self._server.dsn(beside), self._folder, rows=self._rows, max_s=LONGEST_S):
            time.sleep(SETTLE_S)
            started = time.monotonic()
            self._execute(name, FILL)
            seconds = time.monotonic() - started
        self._drop(name)
        self._drop(beside)
        return self._rows / seconds

    def measure(self, name: str, migration: Callable[[str], None]) -> Measured:
        """`migration` of a fresh copy, whose name it gets, under load."""
        database = self._copy(name)
        with loading(self._server.dsn(database), self._folder, rows=self._rows, max_s=LONGEST_S) as load:
            time.sleep(SETTLE_S)
            quiet_from = time.time()
            time.sleep(BASELINE_S)
            started = time.time()
            migration(database)
            ended = time.time()
        found = Measured(
            name=name,
            rows_per_s=self._rows / (ended - started),
            before=load.between(quiet_from, started),
            during=load.between(started, ended),
        )
        self._drop(database)
        return found

    def ours(self, profile: ProfileName) -> Callable[[str], None]:
        """Our expand migration: columns, sync and backfill until it is proven complete."""
        directory = self._folder / "migrations"
        if not directory.exists():
            (directory / "versions").mkdir(parents=True)
            shutil.copy(SERVICE / "migrations" / "env.py", directory)
            shutil.copy(SERVICE / "migrations" / "versions" / "0001_customers.py", directory / "versions")
            (directory / "versions" / "0002_structured_address.py").write_text(REVISION, "utf-8")

        def expand(database: str) -> None:
            report = migrate(self.settings(database), directory, target="heads", profile=profile)
            assert report.after == ("0002",), report

        return expand

    def article(self, database: str) -> None:
        """The article's expand script: one transaction."""
        with psycopg.connect(self._server.dsn(database)) as connection:
            connection.execute(ADD.encode())
            connection.execute(FILL.encode())

    def pgroll(self, binary: Path) -> Callable[[str], None]:
        def expand(database: str) -> None:
            server = self._server
            pgroll.expand(
                binary,
                self._folder,
                host=server.host,
                port=server.port,
                database=database,
                password=server.password,
                columns=COLUMNS,
            )

        return expand

    def _copy(self, name: str) -> str:
        self._execute("postgres", f"CREATE DATABASE {name} TEMPLATE {SEEDED}")
        self._execute("postgres", "CHECKPOINT")
        return name

    def _drop(self, name: str) -> None:
        self._execute("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, database: str, statement: str) -> None:
        with psycopg.connect(self._server.dsn(database), autocommit=True) as connection:
            connection.execute(statement.encode())


def run(rows: int = ROWS) -> EngineFigures:
    """Measures all, one after the other, on a server of its own; of the plain UPDATE before, between and after ours the median counts."""
    with tempfile.TemporaryDirectory(prefix="seachange-bench-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)
        (directory / "postgres").mkdir()
        with PostgresServer(directory / "postgres", logs=directory, settings=SERVER) as server:
            bench = Bench(server, directory, rows)
            plain = [bench.plain()]
            gentle = bench.measure("gentle", bench.ours("gentle"))
            plain.append(bench.plain())
            fast = bench.measure("fast", bench.ours("fast"))
            plain.append(bench.plain())
            article = bench.measure("article", bench.article)
            peer, missing = None, ""
            try:
                peer = bench.measure("pgroll", bench.pgroll(pgroll.build()))
            except pgroll.MissingError as error:
                missing = str(error)
    rate = statistics.median(plain)
    return EngineFigures(
        rows=rows,
        plain_rows_per_s=rate,
        gentle=gentle,
        fast=fast,
        article=article,
        pgroll=peer,
        missing=missing,
        promises=(*promises(gentle, rate), *promises(fast, rate)),
    )


def promises(found: Measured, plain_rows_per_s: float) -> tuple[Promise, ...]:
    """What is promised for the profile that `found` ran with, and whether it holds."""
    during, wanted = found.during, {str(name): ratio for name, ratio in RATE_RATIOS.items()}[found.name]
    ratio = found.rows_per_s / plain_rows_per_s
    stall = (
        Promise(
            text=f"p99 {during.p99:.1f} ms, allowed {found.p99_allowed:.1f} (baseline {found.before.p99:.1f})",
            holds=during.p99 <= found.p99_allowed,
        )
        if found.name == "gentle"
        else Promise(text=f"worst {during.worst:.0f} ms, allowed {WORST_MS:.0f}", holds=during.worst <= WORST_MS)
    )
    return (
        Promise(text=f"{found.name}: {during.failed} of {during.requests:,} requests failed", holds=during.failed == 0),
        Promise(text=f"{found.name}: {stall.text}", holds=stall.holds),
        Promise(
            text=f"{found.name}: {ratio:.0%} of a plain UPDATE's row rate, promised {wanted:.0%}", holds=ratio >= wanted
        ),
    )


def show(figures: EngineFigures) -> None:
    """Prints what was measured, and each promise with whether it holds."""
    print(
        f"expand over {figures.rows:,} rows beside {RATE} requests/s, half reads, half writes; latency from the intended time"
    )
    print(f"  plain UPDATE of all rows, beside the same load on another table: {figures.plain_rows_per_s:,.0f} rows/s")
    for found in (figures.gentle, figures.fast, figures.article, figures.pgroll):
        if found is not None:
            print(
                f"  {found.name:<8} {found.rows_per_s:9,.0f} rows/s ({found.rows_per_s / figures.plain_rows_per_s:4.0%})   "
                f"p99 {found.during.p99:8.1f} ms ({found.during.p99 / found.before.p99:6.1f} x its baseline)   "
                f"worst {found.during.worst:8.1f} ms   failed {found.during.failed}"
            )
    article, ours = figures.article.during, figures.gentle.during
    print(
        f"  the article's clients wait {article.p99 / ours.p99:.0f} x as long as ours at p99, {article.worst / ours.worst:.0f} x at worst"
    )
    if figures.missing:
        print(f"  pgroll   not measured: {figures.missing}")
    for promise in figures.promises:
        print(f"  {'holds ' if promise.holds else 'MISSES'} {promise.text}")


def main() -> None:
    """Measures over ROWS rows, and prints."""
    show(run())


if __name__ == "__main__":
    show(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
