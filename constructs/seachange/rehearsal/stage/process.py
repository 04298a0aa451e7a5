"""Child processes of a stage: started with a log, ended by process id, never outliving the rehearsal."""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seachange.rehearsal.errors import StageError

_PR_SET_PDEATHSIG = 1
# A child gets that signal when the thread that started it ends: one that lasts as long as the rehearsal starts them all.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starter")


@dataclass(frozen=True, kw_only=True)
class Account:
    """An operating-system account that a process runs as."""

    name: str
    uid: int
    gid: int

    @classmethod
    def for_postgres(cls) -> Self | None:
        """The account PostgreSQL runs as: none when an ordinary user rehearses, else `postgres` or `nobody`, for PostgreSQL refuses root."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
        raise StageError(
            "PostgreSQL does not run as root and no account `postgres` or `nobody` exists; rehearse as an ordinary user"
        )


def _die_with_parent() -> Callable[[], None] | None:
    """What a child calls before it starts its program, so that a killed rehearsal leaves nothing behind (Linux only: prctl(2))."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arm


class ChildProcess:
    """A running program of the stage.

    Args:
        name: What messages call it.
        args: Program and arguments.
        log: Where its output goes; the last lines are quoted when it fails.
        cwd: Its working directory.
        env: Its whole environment.
        account: Whom it runs as; the current user by default.
        stop_signal: What ends it in good order; SIGTERM by default.
    """

    def __init__(
        self,
        name: str,
        args: Sequence[str],
        *,
        log: Path,
        cwd: Path,
        env: Mapping[str, str],
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            try:
                self._process = _STARTER.submit(
                    lambda: subprocess.Popen(
                        list(args),
                        cwd=cwd,
                        env=dict(env),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        # A group of its own: Ctrl-C reaches the rehearsal alone, which ends its children in order.
                        start_new_session=True,
                        preexec_fn=_die_with_parent(),
                        user=account.uid if account else None,
                        group=account.gid if account else None,
                        extra_groups=[] if account else None,
                    )
                ).result()
            except OSError as error:
                raise StageError(f"{name} does not start: {error.strerror or error}: {args[0]}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.poll()

    def last_lines(self, count: int = 3) -> str:
        """The last lines of its log, joined, for a message."""
        lines = [line.strip() for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        return " | ".join(lines[-count:]) or "it printed nothing"

    def must_run(self) -> None:
        """Raises with the last lines of the log when it has ended."""
        code = self.exit_code()
        if code is not None:
            raise StageError(f"{self.name} ended with code {code}: {self.last_lines()} (log: {self.log})")

    def wait(self, timeout_s: float) -> int | None:
        """Waits for its end; returns the exit code, or None after `timeout_s` seconds."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self) -> None:
        """Sends its stop signal, without waiting; harmless when it has ended."""
        if self.exit_code() is None:
            self._process.send_signal(self._stop_signal)

    def kill(self) -> None:
        """Ends it and its children at once, as a crash would; harmless when it has ended."""
        if self.exit_code() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self, *, stop_signal: signal.Signals | None = None, grace_s: float = 30.0) -> None:
        """Ends it: its stop signal, or the given one, then SIGKILL to its group after `grace_s` seconds."""
        if self.exit_code() is None:
            self._process.send_signal(stop_signal or self._stop_signal)
            if self.wait(grace_s) is None:
                self.kill()
