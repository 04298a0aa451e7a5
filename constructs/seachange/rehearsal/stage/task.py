"""One task of the service: a process, and what may stand in front of it."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, Self

from seachange.rehearsal.stage.ports import free_port
from seachange.rehearsal.stage.process import ChildProcess


class Door(Protocol):
    """What takes a task's requests in its place, such as the proxy that performs a fault."""

    port: int

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


Launch = Callable[[str, int], ChildProcess]  # name, port → the running process
InFront = Callable[[str, int], Door]  # name, the task's port → what stands before it


@dataclass(frozen=True, kw_only=True)
class Death:
    """A task that ended without anybody's order, or failed its health checks; `at` is an epoch second."""

    name: str
    at: float
    reason: str


class Task:
    """A running task; `port` is the one to register, which may be that of what stands in front."""

    def __init__(self, name: str, launch: Launch, in_front: InFront | None) -> None:
        self.name = name
        self.started = time.time()
        self.was_healthy = False
        self._exit = ExitStack()
        own = free_port()
        self._process = launch(name, own)
        try:
            self.port = own if in_front is None else self._exit.enter_context(in_front(name, own)).port
        except BaseException:
            self._process.kill()
            raise

    def death(self) -> Death | None:
        """How it died, or None while it runs."""
        code = self._process.exit_code()
        if code is None:
            return None
        return Death(name=self.name, at=time.time(), reason=f"ended with code {code}: {self.last_lines()}")

    def last_lines(self) -> str:
        """What it printed last, with the log's place."""
        return f"{self._process.last_lines()} (log: {self._process.log})"

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._process.kill()

    def leave(self) -> None:
        """Asks it to end, without waiting."""
        self._process.terminate()

    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.exit_code() is not None

    def stop(self, *, grace_s: float) -> None:
        """Ends what stands in front of it, and itself: SIGTERM, then SIGKILL after `grace_s` seconds."""
        try:
            self._exit.close()
        finally:
            self._process.stop(grace_s=grace_s)
