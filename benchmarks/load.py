"""Point reads and writes of customers over SQL connections, at a constant rate whatever the answers do: an open model.

Latency counts from the intended time. A process of its own, so that nothing else delays it: `python -m benchmarks.load spec.json`; it writes
one line a request to the spec's `records` and ends on SIGTERM, or after `max_s` seconds.
"""

import asyncio
import json
import random
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from seachange.rehearsal.metrics import percentile

RATE = 300
"""Requests a second: half of them reads, half of them writes."""
CONNECTIONS = 24
TIMEOUT_S = 60.0

STATEMENTS = (
    (50, "SELECT id, name, email, address FROM customers WHERE id = %(id)s"),
    (25, "UPDATE customers SET name = %(text)s, updated_at = now() WHERE id = %(id)s"),
    (
        25,
        "UPDATE customers SET address = %(text)s || ' Elm St, Austin, TX, 73301', updated_at = now() WHERE id = %(id)s",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """The requests that were due in a window; times in milliseconds."""

    requests: int
    failed: int
    p50: float
    p99: float
    worst: float


@dataclass(frozen=True)
class Record:
    """One request: when it was due, in epoch seconds, how long from then to its answer, and why it failed; empty when not."""

    due: float
    latency_s: float
    problem: str


class Load:
    """A running load, and what it recorded once it has ended."""

    def __init__(self, records: Path) -> None:
        self._path = records
        self._records: list[Record] = []

    def read(self) -> None:
        lines = (line.split("\t") for line in self._path.read_text("utf-8").splitlines())
        self._records = [Record(float(due), float(latency), problem) for due, latency, problem in lines]

    def between(self, start: float, end: float) -> Latencies:
        """What was due from `start` to `end`, in epoch seconds."""
        found = [record for record in self._records if start <= record.due < end]
        times = [1000 * record.latency_s for record in found]
        return Latencies(
            requests=len(found),
            failed=sum(bool(record.problem) for record in found),
            p50=percentile(times, 50),
            p99=percentile(times, 99),
            worst=max(times),
        )


@contextmanager
def loading(dsn: str, folder: Path, *, rows: int, max_s: float) -> Iterator[Load]:
    """Keeps the load on `dsn` while it lasts, for at most `max_s` seconds; the records can be read afterwards."""
    spec = {"dsn": dsn, "rows": rows, "rate": RATE, "max_s": max_s, "records": str(folder / "records.tsv")}
    path = folder / "load.json"
    path.write_text(json.dumps(spec), "utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load", str(path)], cwd=Path(__file__).resolve().parents[1]
    )
    load = Load(Path(spec["records"]))
    try:
        yield load
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=TIMEOUT_S + 30)
    load.read()


class _Client:
    """Sends the requests. A request that finds no connection free waits for one, and its latency counts on."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec
        self._idle: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()
        self._records: list[Record] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(await self._connect())
        start, sent, rate = time.time(), 0, self._spec["rate"]
        while not self.stopping.is_set() and (due := start + sent / rate) < start + self._spec["max_s"]:
            await asyncio.sleep(max(0.0, due - time.time()))
            task = asyncio.create_task(self._request(due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            sent += 1
        if self._tasks:
            await asyncio.wait(self._tasks)
        lines = (f"{record.due:.6f}\t{record.latency_s:.6f}\t{record.problem}\n" for record in self._records)
        Path(self._spec["records"]).write_text("".join(lines), "utf-8")

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self._spec["dsn"], autocommit=True, application_name="load")

    async def _request(self, due: float) -> None:
        weights = [weight for weight, _ in STATEMENTS]
        ((_, statement),) = random.choices(STATEMENTS, weights)
        values = {"id": random.randint(1, self._spec["rows"]), "text": str(random.randint(1, 9999))}
        problem = ""
        connection = None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                connection = await self._idle.get()
                await connection.execute(statement.encode(), values)
        except (TimeoutError, psycopg.Error) as error:
            problem = " ".join(f"{type(error).__name__}: {error}".split())
        self._records.append(Record(due, time.time() - due, problem))
        if connection is not None:
            if connection.broken or connection.closed:
                connection = await self._connect()
            self._idle.put_nowait(connection)


def _runner() -> asyncio.Runner:
    # select() keeps timers exact: epoll rounds them to whole milliseconds.
    return asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector()))


async def _main(spec: Mapping[str, Any]) -> None:
    client = _Client(spec)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, client.stopping.set)
    await client.run()


def main(arguments: Sequence[str]) -> None:
    with _runner() as runner:
        runner.run(_main(json.loads(Path(arguments[0]).read_text("utf-8"))))


if __name__ == "__main__":
    main(sys.argv[1:])
