"""A deployer in a process of its own, which can be killed."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import MigrationError, UnfinishedError
from seachange_migrations.migrate import migrate

# Its processes are forked from one that has imported everything and has no threads.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])


def deploy(settings: ConnectionSettings, path: Path, tell: Connection) -> None:
    """Migrates for as long as it takes; tells when it begins, and at the end the revisions that it applied, or why it failed."""
    tell.send("begun")
    applied: list[str] = []

    def follow(event: Any) -> None:
        if event["event"] == "revision_applied":
            applied.append(event["revision"])

    while True:
        try:
            migrate(settings, path, on_progress=follow)
        except UnfinishedError:
            continue
        except MigrationError as error:
            tell.send(repr(error))
            return
        tell.send(applied)
        return


class Deployer:
    """A running deployer."""

    def __init__(self, settings: ConnectionSettings, path: Path) -> None:
        self._told, tell = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=deploy, args=(settings, path, tell))
        self._process.start()
        tell.close()
        assert self._told.recv() == "begun"

    def ends_within(self, seconds: float) -> bool:
        """Whether it ended by itself."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """SIGKILL: it has no chance to clean up."""
        self._process.kill()
        self._process.join()

    def applied(self, timeout_s: float = 120) -> Sequence[str]:
        """The revisions that it applied, when it has ended."""
        assert self.ends_within(timeout_s), "it does not end"
        told = self._told.recv()
        assert isinstance(told, list), told
        return told
