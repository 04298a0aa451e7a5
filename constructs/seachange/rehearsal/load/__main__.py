"""`python -m seachange.rehearsal.load spec.json`: the load as a process.

It prints a line of totals every quarter of a second, takes lines such as `{"rate": 100, "at": 1764000000.0}` from the named pipe that the
specification calls `control`, and ends on SIGTERM or after `max_s` seconds; with code 2 and one line when it cannot send.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.client import Clients
from seachange.rehearsal.load.generator import Generator
from seachange.rehearsal.load.loop import exact_loop
from seachange.rehearsal.load.source import source

_REPORT_EVERY_S = 0.25
# Answers that do not come keep their connections: at 1,000 requests per second and the limit of 30 s that is 30,000.
_CONNECTIONS = 65_536


async def _main(spec: Mapping[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    clients = Clients(spec["host"], spec["port"], keep_idle_s=spec["keep_idle_s"], cookies=spec["cookies"])
    # Both ends open for both ways: neither waits for the other, and no end of file comes.
    control = os.open(spec["control"], os.O_RDWR | os.O_NONBLOCK)
    with Path(spec["records"]).open("w", encoding="utf-8") as records:
        generator = Generator(source(spec), clients, rate=spec["rate"], max_s=spec["max_s"], records=records)
        loop.add_signal_handler(signal.SIGTERM, generator.stop)
        loop.add_reader(control, _obey, control, generator)
        report = asyncio.create_task(_report(generator))
        await generator.run()
        report.cancel()
        _print_totals(generator)


def _obey(control: int, generator: Generator) -> None:
    # A line is shorter than a pipe's atomic write: it comes whole.
    for line in os.read(control, 65536).splitlines():
        change = json.loads(line)
        generator.set_rate(change["rate"], change["at"])


async def _report(generator: Generator) -> None:
    while True:
        _print_totals(generator)
        await asyncio.sleep(_REPORT_EVERY_S)


def _print_totals(generator: Generator) -> None:
    print(json.dumps({"sent": generator.sent, "done": generator.done, "failed": generator.failed}), flush=True)


def _allow_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, _CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _come_first() -> None:
    """Runs when it is due, as far as it may: clients are machines of their own elsewhere, and the service's work must not delay them here.

    On two cores with seven busy processes a send at 300 per second was late by 8 ms in the worst percent, and so by 0.3 ms; a better nice value
    changed nothing. Linux grants it to root alone.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))


if __name__ == "__main__":
    _allow_connections()
    _come_first()
    try:
        with asyncio.Runner(loop_factory=exact_loop) as runner:
            runner.run(_main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
    except ConfigError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
