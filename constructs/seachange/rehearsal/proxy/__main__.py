"""The proxy's process: listens for the load balancer, and for what it is to perform."""

import asyncio
import contextlib
import json
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seachange.plan.faults import Fault
from seachange.rehearsal.proxy.misbehaviour import Actor, Performed
from seachange.rehearsal.proxy.pair import Front
from seachange.rehearsal.stage.ports import LOOPBACK

_FILES = 65_536


async def _control(actor: Actor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Each line is empty or a fault to perform from now on; the answer is what has been performed so far."""
    with contextlib.suppress(OSError):
        while line := await reader.readline():
            if line.strip():
                actor.fault = Fault(**json.loads(line))
            writer.write(json.dumps(asdict(actor.performed)).encode() + b"\n")
            await writer.drain()
        writer.close()


async def _main(settings: Mapping[str, Any]) -> None:
    actor = Actor(
        fault=Fault(**settings["fault"]),
        production_port=str(settings["production_port"]),
        health_path=settings["health_path"],
        smoke=settings["smoke"],
        performed=Performed(since=settings["since"]),
    )
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    task_port = settings["task_port"]
    proxy = await loop.create_server(lambda: Front(actor, task_port), LOOPBACK, settings["port"], backlog=1024)
    control = await asyncio.start_server(
        lambda reader, writer: _control(actor, reader, writer), LOOPBACK, settings["control_port"]
    )
    await stopping.wait()
    proxy.close()
    control.close()


def _allow_many_connections() -> None:
    """Raises this process's limit of open files as far as the system lets it: each request that is held back takes two."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # Some systems name no limit, and refuse one that is too high for them.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (_FILES if most == resource.RLIM_INFINITY else min(_FILES, most), most)
        )


if __name__ == "__main__":
    _allow_many_connections()
    asyncio.run(_main(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
