"""The load as the rehearsal sees it: a process that sends, the totals it prints, the records it leaves."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.load.record import Record, read_records
from seachange.rehearsal.load.source import as_spec
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.process import ChildProcess


@dataclass(frozen=True)
class Totals:
    """Requests sent, answered, and failed so far."""

    sent: int = 0
    done: int = 0
    failed: int = 0


class Traffic:
    """A running load against the production listener.

    Args:
        config: The requests and their placeholders.
        values: Placeholder → the values it takes.
        rate: Requests per second.
        max_s: The load ends by itself after so many seconds, however the rehearsal fares.
        idle_timeout_s: Seconds after which the load balancer closes idle connections; the load's clients leave theirs after half of that.
        balancer: Its production listener takes the requests.
        work: A directory for specification, control and records.
        logs: Where `load.log` is written.
    """

    def __init__(
        self,
        config: RehearsalConfig,
        values: Mapping[str, Sequence[Any]],
        *,
        rate: float,
        max_s: float,
        idle_timeout_s: float,
        balancer: LoadBalancer,
        work: Path,
        logs: Path,
    ) -> None:
        self._records = work / "records.tsv"
        control = work / "load.control"
        os.mkfifo(control, 0o600)
        spec = {
            "requests": [as_spec(request) for request in config.requests],
            "replay": config.replay and asdict(config.replay),
            "function": config.function,
            "directory": str(config.path.parent.resolve()),
            "values": {name: list(items) for name, items in values.items()},
            "cookies": config.cookies,
            "rate": rate,
            "max_s": max_s,
            "keep_idle_s": idle_timeout_s / 2,
            "host": balancer.host,
            "port": balancer.production_port,
            "records": str(self._records),
            "control": str(control),
        }
        path = work / "load.json"
        path.write_text(json.dumps(spec, default=str), "utf-8")
        self._process = ChildProcess(
            "the load",
            [sys.executable, "-P", "-m", "seachange.rehearsal.load", str(path)],
            log=logs / "load.log",
            cwd=work,
            env=dict(os.environ),
        )
        # For both ways, so that it opens at once whether or not the load reads already.
        self._control = os.open(control, os.O_RDWR)

    def totals(self) -> Totals:
        """The newest totals; raises when the load has ended."""
        self._process.must_run()
        return self._newest()

    def set_rate(self, requests_per_s: float) -> None:
        """Goes on at another rate from this very moment; 0 pauses the load. Requests under way are not touched.

        However often the rate changes, as many requests are sent as its integral over time says.
        """
        os.write(self._control, (json.dumps({"rate": requests_per_s, "at": time.time()}) + "\n").encode())

    def so_far(self) -> list[Record]:
        """The records of the requests that have ended by now."""
        return read_records(self._records)

    def end(self) -> list[Record]:
        """Stops sending, waits for the answers under way, and returns every request's record."""
        self._process.must_run()
        self._process.stop(grace_s=40)
        self._close()
        return read_records(self._records)

    def abort(self) -> None:
        """Ends the load without a record; harmless after `end`."""
        self._process.stop(grace_s=1)
        self._close()

    def _close(self) -> None:
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    def _newest(self) -> Totals:
        with self._process.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 400))
            lines = log.read().split(b"\n")[:-1]
        # The first of the lines may be cut.
        return Totals(**json.loads(lines[-1])) if lines and lines[-1].startswith(b"{") else Totals()
