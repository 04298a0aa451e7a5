"""An open-model load: requests leave at a constant rate whatever the answers do, and latency counts from the intended time.

Run as a process of its own, so that nothing else delays it: `python -m seachange.rehearsal.load spec.json`. It writes one line a request to the
spec's `records` file, a line of totals every quarter of a second to standard output, and ends on SIGTERM or after `max_s` seconds.
"""

import asyncio
import json
import random
import re
import selectors
import signal
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httptools

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
UNIQUE = "unique"
REQUEST_TIMEOUT_S = 30.0
_REPORT_EVERY_S = 0.25


@dataclass(frozen=True)
class Record:
    """One request.

    Attributes:
        intended: When it should have left, in epoch seconds.
        lag_s: How much later it did leave: this generator's own delay, which is not the service's.
        latency_s: From the intended time to the end of the answer.
        status: 0 when there was no answer.
        problem: Why it failed; empty when it did not.
    """

    intended: float
    lag_s: float
    latency_s: float
    status: int
    problem: str

    def line(self) -> str:
        return f"{self.intended:.6f}\t{self.lag_s:.6f}\t{self.latency_s:.6f}\t{self.status}\t{self.problem}\n"


def read_records(path: Path) -> list[Record]:
    """The records that a load wrote."""
    fields = (line.rstrip("\n").split("\t") for line in path.read_text("utf-8").splitlines())
    return [
        Record(float(intended), float(lag), float(latency), int(status), problem)
        for intended, lag, latency, status, problem in fields
    ]


class _Answer:
    """What httptools calls while it parses an answer."""

    def __init__(self) -> None:
        self.complete = False
        self.close = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"connection" and value.lower() == b"close":
            self.close = True

    def on_message_complete(self) -> None:
        self.complete = True


class Mix:
    """Chooses requests by weight and fills their placeholders."""

    def __init__(self, requests: Sequence[Mapping[str, Any]], values: Mapping[str, Sequence[Any]], host: str) -> None:
        self._values = {name: [str(item) for item in items] for name, items in values.items()}
        self._requests = requests
        self._weights = [request["weight"] for request in requests]
        self._host = host

    def next(self) -> tuple[bytes, tuple[int, ...]]:
        """The bytes of the next request and the status codes that it expects."""
        request = random.choices(self._requests, self._weights)[0]
        chosen = {name: random.choice(items) for name, items in self._values.items()} | {UNIQUE: uuid.uuid4().hex}
        path = PLACEHOLDER.sub(lambda match: chosen[match[1]], request["path"])
        body = b""
        head = f"{request['method']} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
        if request["body"] is not None:
            # Values stand inside JSON texts: escape them as such.
            body = PLACEHOLDER.sub(lambda match: json.dumps(chosen[match[1]])[1:-1], request["body"]).encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n".encode() + body, tuple(request["expect"])


class Load:
    """The generator: keep-alive connections, as many as are busy at once, no retries."""

    def __init__(self, mix: Mix, host: str, port: int, records: TextIO) -> None:
        self._mix = mix
        self._address = (host, port)
        self._records = records
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.sent = self.done = self.failed = 0
        self.stopping = asyncio.Event()

    async def run(self, rate: float, max_s: float) -> None:
        """Sends `rate` requests per second until told to stop, then waits for the answers."""
        start = time.time()
        while not self.stopping.is_set():
            intended = start + self.sent / rate
            if intended - start > max_s:
                break
            delay = intended - time.time()
            if delay > 0:
                await asyncio.sleep(delay)
            task = asyncio.create_task(self._request(intended))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self.sent += 1
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=REQUEST_TIMEOUT_S)
        for _, writer in self._idle:
            writer.close()

    async def report(self) -> None:
        """Prints totals until cancelled."""
        while True:
            print(json.dumps({"sent": self.sent, "done": self.done, "failed": self.failed}), flush=True)
            await asyncio.sleep(_REPORT_EVERY_S)

    async def _request(self, intended: float) -> None:
        request, expect = self._mix.next()
        lag = time.time() - intended
        status, problem = 0, ""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                status = await self._exchange(request)
            if status not in expect:
                problem = f"status {status}"
        except TimeoutError:
            problem = f"no answer within {REQUEST_TIMEOUT_S:.0f} s"
        except (OSError, EOFError, httptools.HttpParserError) as error:
            problem = f"{type(error).__name__}: {error}".replace("\t", " ").replace("\n", " ")
        self.done += 1
        self.failed += bool(problem)
        self._records.write(Record(intended, lag, time.time() - intended, status, problem).line())

    async def _exchange(self, request: bytes) -> int:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address)
        answer = _Answer()
        try:
            writer.write(request)
            parser = httptools.HttpResponseParser(answer)
            while not answer.complete:
                data = await reader.read(65536)
                if not data:
                    raise EOFError("the connection was closed before the answer was complete")
                parser.feed_data(data)
        except BaseException:
            writer.close()
            raise
        if answer.close or not parser.should_keep_alive():
            writer.close()
        else:
            self._idle.append((reader, writer))
        status: int = parser.get_status_code()
        return status


async def _main(spec: Mapping[str, Any]) -> None:
    mix = Mix(spec["requests"], spec["values"], f"{spec['host']}:{spec['port']}")
    with Path(spec["records"]).open("w", encoding="utf-8", buffering=1) as records:
        load = Load(mix, spec["host"], spec["port"], records)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, load.stopping.set)
        report = asyncio.create_task(load.report())
        await load.run(spec["rate"], spec["max_s"])
        report.cancel()
        print(json.dumps({"sent": load.sent, "done": load.done, "failed": load.failed}), flush=True)


if __name__ == "__main__":
    # select() keeps timers exact: epoll rounds them to whole milliseconds.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
