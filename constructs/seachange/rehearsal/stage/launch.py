"""Starts tasks of one release: each at a port of its own."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from seachange.rehearsal.releases import Prepared
from seachange.rehearsal.stage.ports import LOOPBACK
from seachange.rehearsal.stage.process import ChildProcess

# What a task of ours must not inherit from the shell that rehearses.
_FOREIGN = ("AWS_", "PG", "DB_", "GUNICORN_", "FLASK_", "WEB_CONCURRENCY")


class Launcher:
    """Starts a task at a port.

    On AWS each task listens on the container port of an address of its own. Here each gets a port of its own: as `{{port}}` in the
    command, and in every environment variable whose value is the container port. `HOST` tells it to stay on the loopback interface.

    Args:
        prepared: The release's code, ready to start.
        environment: The release's variables, with local values.
        container_port: The port in the template.
        logs: Where each task writes its log.
    """

    def __init__(self, prepared: Prepared, *, environment: Mapping[str, str], container_port: int, logs: Path) -> None:
        self._prepared = prepared
        self._environment = environment
        self._container_port = str(container_port)
        self._logs = logs

    def __call__(self, name: str, port: int) -> ChildProcess:
        """The running process of the task `name` at `port`."""
        own = {key: str(port) for key, value in self._environment.items() if value == self._container_port}
        return self._prepared.start(
            name,
            port,
            environment={**self._environment, **own, "HOST": LOOPBACK},
            inherited=inherited_environment(),
            log=self._logs / f"{name}.log",
        )


def local_command(command: Sequence[str], container_port: int) -> tuple[str, ...]:
    """A container's command as one task's here: the container's port becomes the task's own, and it listens on the loopback interface alone."""
    port = re.compile(rf"(?<!\d){container_port}(?!\d)")
    return tuple(port.sub("{{port}}", word).replace("0.0.0.0", LOOPBACK) for word in command)


def inherited_environment() -> dict[str, str]:
    """The shell's environment without what would redirect a task to another database or account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
