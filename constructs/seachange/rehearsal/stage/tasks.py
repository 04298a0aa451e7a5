"""The service's tasks: processes of one release behind one target group."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.ports import LOOPBACK, free_port
from seachange.rehearsal.stage.process import ChildProcess

# What a task of ours must not inherit from the shell that rehearses.
_FOREIGN = ("AWS_", "PG", "DB_", "GUNICORN_", "FLASK_", "WEB_CONCURRENCY")


class TaskSet:
    """Tasks of one release, registered in the target group of one colour.

    On AWS each task listens on the container port of an address of its own. Here each gets a port of its own: as `{{port}}` in the
    command, and in every environment variable whose value is the container port. `HOST` tells it to stay on the loopback interface.
    """

    def __init__(
        self,
        colour: str,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        container_port: int,
        logs: Path,
        balancer: LoadBalancer,
    ) -> None:
        self.colour = colour
        self._container_port = str(container_port)
        self._command = command
        self._directory = directory
        self._environment = environment
        self._logs = logs
        self._balancer = balancer
        self._processes: list[ChildProcess] = []
        self._started = 0.0

    def start(self, count: int) -> None:
        """Starts `count` tasks and registers them; `ready` tells when they all pass the health check."""
        ports = [free_port() for _ in range(count)]
        for index, port in enumerate(ports, 1):
            name = f"{self.colour}-{index}"
            ports_of_its_own = {
                key: str(port) for key, value in self._environment.items() if value == self._container_port
            }
            environment = {**inherited_environment(), **self._environment, **ports_of_its_own, "HOST": LOOPBACK}
            command = [argument.replace("{{port}}", str(port)) for argument in self._command]
            log = self._logs / f"{name}.log"
            self._processes.append(ChildProcess(f"task {name}", command, log=log, cwd=self._directory, env=environment))
        self._balancer.register(self.colour, ports)
        self._started = time.monotonic()

    def ready(self, timeout_s: float) -> bool:
        """Whether all tasks are healthy; StageError, with what a task printed last, when they are not after `timeout_s` seconds."""
        hosts = self._balancer.hosts(self.colour)
        if hosts.total == len(self._processes) and not hosts.unhealthy:
            return True
        if time.monotonic() > self._started + timeout_s:
            first = self._processes[0]
            raise StageError(
                f"{self.colour}'s tasks were not healthy after {timeout_s:.0f} s; the first one's last lines: {first.last_lines()} (log: {first.log})"
            )
        return False

    def must_run(self) -> None:
        """Raises when a task has ended."""
        for process in self._processes:
            process.must_run()

    def deregister(self) -> None:
        """Takes the tasks out of the target group; the requests under way go on."""
        self._balancer.register(self.colour, [])

    def idle(self) -> bool:
        """Whether no request is under way."""
        return self._balancer.active_requests(self.colour) == 0

    def stop(self) -> None:
        """Ends every task."""
        while self._processes:
            self._processes[-1].stop()
            self._processes.pop()


def inherited_environment() -> dict[str, str]:
    """The shell's environment without what would redirect a task to another database or account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
