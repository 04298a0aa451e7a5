"""A task with a fault: a small proxy before it, which performs what the fault says (`seachange.rehearsal.proxy`)."""

import contextlib
import json
import os
import socket
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self

from seachange.plan.faults import Fault
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.proxy.misbehaviour import Performed
from seachange.rehearsal.stage.ports import LOOPBACK, free_port
from seachange.rehearsal.stage.process import ChildProcess

_READY_TIMEOUT_S = 10.0


def on_this_stage(fault: Fault, *, speed: float, tasks: int) -> Fault:
    """The fault as one proxy performs it: times of the plan's clock in real seconds, and one task's part of the requests.

    Of one endpoint's requests all are concerned: the share beside a path is what a simulation, which knows no paths, takes for it.

    Args:
        fault: In the plan's words.
        speed: Seconds of the plan per second here.
        tasks: How many tasks share green's requests.
    """
    return replace(
        fault,
        after_s=fault.after_s / speed,
        until_s=fault.until_s / speed,
        above_rps=fault.above_rps / tasks,
        share=fault.share if fault.path is None else 1.0,
    )


class FaultProxy:
    """A process before one task: register its `port` instead of the task's.

    Health checks and the smoke test pass untouched unless the fault is `unhealthy`, or `smoke` is set.

    A task that no longer listens is seen here as one that closes its connections: give a proxy only to tasks that have a fault.

    Args:
        task_port: The task's own port.
        fault: What goes wrong, in real seconds (`on_this_stage`).
        production_port: The production listener's port in the template, which the load balancer tells in X-Forwarded-Port.
        health_path: The target group's health check.
        smoke: Whether the smoke test's requests are answered 500; no by default.
        since: The epoch second from which the fault's times count, as another task's proxy tells it (`performed().since`): a task that replaces
            another one goes on with green's time. The first request of the production listener that this proxy sees by default.
        name: What messages and its log call it; `fault-proxy` by default.
        work: A directory for its settings.
        logs: Where `<name>.log` is written.
    """

    def __init__(
        self,
        task_port: int,
        fault: Fault,
        *,
        production_port: int,
        health_path: str,
        smoke: bool = False,
        since: float | None = None,
        name: str = "fault-proxy",
        work: Path,
        logs: Path,
    ) -> None:
        self.port = free_port()
        self._control_port = free_port()
        self._name = name
        self._settings = work / f"{name}.json"
        self._work = work
        self._logs = logs
        settings = {
            "port": self.port,
            "control_port": self._control_port,
            "task_port": task_port,
            "fault": asdict(fault),
            "production_port": production_port,
            "health_path": health_path,
            "smoke": smoke,
            "since": since,
        }
        self._settings.write_text(json.dumps(settings), "utf-8")
        self._process: ChildProcess | None = None
        self._last: Performed | None = None

    def __enter__(self) -> Self:
        self._process = ChildProcess(
            f"the proxy {self._name}",
            [sys.executable, "-P", "-m", "seachange.rehearsal.proxy", str(self._settings)],
            log=self._logs / f"{self._name}.log",
            cwd=self._work,
            env=dict(os.environ),
        )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._process.stop(grace_s=1)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with contextlib.suppress(StageError):
                self._last = self.performed()
            self._process.stop(grace_s=2)

    def set(self, fault: Fault) -> None:
        """Performs another fault from now on; when this returns, every new request meets it."""
        self._ask(json.dumps(asdict(fault)))

    def performed(self) -> Performed:
        """What the proxy has done so far, or had done when it ended."""
        return self._last or self._ask("")

    def must_run(self) -> None:
        """Raises when the proxy has ended."""
        if self._process is not None:
            self._process.must_run()

    def _ask(self, line: str) -> Performed:
        try:
            with socket.create_connection((LOOPBACK, self._control_port), timeout=5) as control:
                control.sendall(line.encode() + b"\n")
                return Performed(**json.loads(control.makefile("rb").readline()))
        except (OSError, ValueError) as error:
            self.must_run()
            raise StageError(f"the proxy {self._name} did not answer: {error}") from error

    def _wait_until_ready(self, process: ChildProcess) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while True:
            process.must_run()
            try:
                self.performed()
            except StageError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return
