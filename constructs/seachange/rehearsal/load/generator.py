"""The generator: sends each request when it is due, and writes a record of each."""

import asyncio
import time
from typing import TextIO

from seachange.rehearsal.load.client import Clients
from seachange.rehearsal.load.pace import Pace
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.load.source import Outgoing, Source

REQUEST_TIMEOUT_S = 30.0


class Generator:
    """Sends until told to stop.

    Args:
        source: The requests.
        clients: Who send them.
        rate: Requests per second; 0 for none yet.
        max_s: It ends by itself after so many seconds.
        records: Takes a line for each request.
    """

    def __init__(self, source: Source, clients: Clients, *, rate: float, max_s: float, records: TextIO) -> None:
        self.sent = self.done = self.failed = 0
        self._source = source
        self._clients = clients
        self._records = records
        start = time.time()
        self._end = start + max_s
        self._pace = Pace(rate, start)
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes: list[tuple[float, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Sends until `stop`, or for `max_s` seconds, then waits for the answers.

        Raises:
            ConfigError: The source has no request to give.
        """
        self._send_due()
        try:
            await self._stopped
        finally:
            if self._timer is not None:
                self._timer.cancel()
        if self._tasks:
            # Longer than any of them: one that hangs must write its record.
            await asyncio.wait(self._tasks, timeout=REQUEST_TIMEOUT_S + 1)
        self._clients.close()

    def stop(self) -> None:
        """Sends no more."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    def set_rate(self, rate: float, at: float) -> None:
        """Goes on at `rate` requests per second, from the epoch second `at` on: requests that were due before are sent as they were due."""
        self._changes.append((at, rate))
        if self._timer is not None:
            self._timer.cancel()
        self._send_due()

    def _send_due(self) -> None:
        """Sends what is due and comes back when the next request is."""
        if self._stopped.done():
            return
        try:
            now = time.time()
            for at, rate in self._changes:
                self._send_until(at)
                self._pace.set_rate(rate, at)
            self._changes.clear()
            upcoming = min(self._send_until(now), self._end)
        except BaseException as error:  # noqa: BLE001 (raised by `run`)
            self._stopped.set_exception(error)
            return
        if now >= self._end:
            self.stop()
        else:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, upcoming - time.time()), self._send_due)

    def _send_until(self, moment: float) -> float:
        """Sends all that is due by `moment`; returns when the next one is."""
        moment = min(moment, self._end)
        while (due := self._pace.due(self._source.position(self.sent + 1))) <= moment:
            outgoing = self._source.next(self.sent + 1)
            self.sent += 1
            task = asyncio.create_task(self._request(self.sent, outgoing, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return due

    async def _request(self, number: int, outgoing: Outgoing, intended: float) -> None:
        lag = time.time() - intended
        status, problem = 0, ""
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                status = await self._clients.ask(outgoing.head, outgoing.body, bodiless=outgoing.method == "HEAD")
            if status not in outgoing.expect:
                problem = f"status {status}"
        except TimeoutError:
            problem = f"no answer within {REQUEST_TIMEOUT_S:.0f} s"
        except Exception as error:  # noqa: BLE001 (whatever it was, the request failed; without a record nobody would count it)
            problem = " ".join(f"{type(error).__name__}: {error}".split())
        record = Record(
            number=number,
            method=outgoing.method,
            path=outgoing.path,
            adds=outgoing.adds,
            intended=intended,
            lag_s=lag,
            latency_s=time.time() - intended,
            status=status,
            problem=problem,
        )
        self.done += 1
        self.failed += bool(problem)
        self._records.write(record.line())
