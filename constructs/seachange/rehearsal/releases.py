"""A release made ready to start: a directory as it is, a git revision checked out, an OCI image beside a container engine."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from seachange.rehearsal.config.source import Source, with_program
from seachange.rehearsal.errors import ConfigError, StageError
from seachange.rehearsal.stage.process import ChildProcess

ENGINES = ("docker", "podman")
_LABEL = "seachange.rehearsal"
_PORT = "{{port}}"


class Prepared(Protocol):
    """A release whose tasks can be started."""

    def start(
        self, name: str, port: int, *, environment: Mapping[str, str], inherited: Mapping[str, str], log: Path
    ) -> ChildProcess:
        """Starts a task.

        Args:
            name: What the task is called.
            port: Where it listens; `{{port}}` of the command.
            environment: The release's own variables.
            inherited: The shell's, for what runs on this machine; none of them enters a container.
            log: Where its output goes.
        """


@contextmanager
def prepared(source: Source, work: Path) -> Iterator[Prepared]:
    """Makes a release ready to start; what was checked out, and every container, is gone afterwards.

    Args:
        source: What the release is.
        work: The stage's directory, for what must be checked out.

    Raises:
        ConfigError: The revision, the image or the program of its command does not exist.
        StageError: There is no git, or no container engine.
    """
    if source.image is not None:
        with _containers(source.image, source.start) as containers:
            yield containers
    else:
        with checked_out(source, work) as directory:
            yield _Processes(command=with_program(source, directory), directory=directory)


@contextmanager
def checked_out(source: Source, work: Path) -> Iterator[Path]:
    """The directory of a release: its own, or its place in a working tree of the revision, which is removed afterwards."""
    if source.revision is None:
        yield source.directory
        return
    root = Path(_git(source.directory, "rev-parse", "--show-toplevel"))
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", f"{source.revision}^{{commit}}")
    except ConfigError as error:
        raise ConfigError(
            f"revision {source.revision!r} is not in the repository {root}; fetch it, or name another one "
            "(a checkout in CI often has the newest commit alone: there, fetch all)"
        ) from error
    tree = work / f"revision-{secrets.token_hex(4)}"
    try:
        # Hooks of the repository's are for its users' checkouts.
        _git(root, "-c", f"core.hooksPath={os.devnull}", "worktree", "add", "--detach", "--quiet", str(tree), commit)
        directory = tree / source.directory.relative_to(root)
        if not directory.is_dir():
            raise ConfigError(f"revision {source.revision!r} has no directory {source.directory.relative_to(root)}")
        yield directory
    finally:
        with contextlib.suppress(ConfigError):
            _git(root, "worktree", "remove", "--force", "--force", str(tree))
        shutil.rmtree(tree, ignore_errors=True)


def _git(directory: Path, *arguments: str) -> str:
    """What git prints; ConfigError with its own words when it fails."""
    # A hook's variables would send git to the hook's repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments], env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise StageError("git is not on PATH, and a revision cannot be checked out without it; install git") from error
    if done.returncode != 0:
        said = " | ".join(line.strip() for line in done.stderr.splitlines() if line.strip())
        raise ConfigError(f"git {arguments[0]} in {directory} failed: {said or f'code {done.returncode}'}")
    return done.stdout.strip()


@dataclass(frozen=True, kw_only=True)
class _Processes:
    """Tasks as processes of this machine."""

    command: Sequence[str]
    directory: Path

    def start(
        self, name: str, port: int, *, environment: Mapping[str, str], inherited: Mapping[str, str], log: Path
    ) -> ChildProcess:
        return ChildProcess(
            f"task {name}",
            _at(port, self.command),
            log=log,
            cwd=self.directory,
            env={**inherited, **environment},
        )


class _Container(ChildProcess):
    """A task in a container: the engine's client, which passes signals on and ends with it."""

    def __init__(self, task: str, engine: str, container: str, arguments: Sequence[str], **process: Any) -> None:
        self._remove = [engine, "rm", "--force", container]
        super().__init__(f"task {task}", [engine, "run", "--name", container, *arguments], cwd=Path("/"), **process)

    def kill(self) -> None:
        # A client that is killed leaves its container behind.
        if self.exit_code() is None:
            _ask(*self._remove)
        super().kill()


@dataclass(frozen=True, kw_only=True)
class _Containers:
    """Tasks as containers of one image, in the machine's own network."""

    engine: str
    image: str
    command: Sequence[str]
    stage: str

    def start(
        self, name: str, port: int, *, environment: Mapping[str, str], inherited: Mapping[str, str], log: Path
    ) -> ChildProcess:
        # Values travel in the client's environment: on a command line all users of the machine would read them.
        passed = [argument for variable in environment for argument in ("--env", variable)]
        options = ["--rm", "--network", "host", "--label", f"{_LABEL}={self.stage}", *passed]
        return _Container(
            name,
            self.engine,
            f"seachange-{self.stage}-{name}",
            [*options, self.image, *_at(port, self.command)],
            log=log,
            env={**inherited, **environment},
        )


@contextmanager
def _containers(image: str, command: Sequence[str]) -> Iterator[_Containers]:
    engine = _engine(image)
    if _ask(engine, "image", "inspect", image).returncode != 0:
        pulled = _ask(engine, "pull", image)
        if pulled.returncode != 0:
            raise ConfigError(
                f"image {image} is not on this machine, and {Path(engine).name} pull failed: {_last(pulled)}; build it, or name another one"
            )
    containers = _Containers(engine=engine, image=image, command=command, stage=secrets.token_hex(4))
    try:
        yield containers
    finally:
        left = _ask(engine, "ps", "--all", "--quiet", "--filter", f"label={_LABEL}={containers.stage}").stdout.split()
        if left:
            _ask(engine, "rm", "--force", *left)


def _engine(image: str) -> str:
    """The program of a container engine that answers."""
    silent = []
    for name in ENGINES:
        program = shutil.which(name)
        if program is None:
            continue
        answer = _ask(program, "ps", "--quiet")
        if answer.returncode == 0:
            return program
        silent.append(f"{name} does not answer ({_last(answer)})")
    why = "; ".join(silent) or f"neither {' nor '.join(ENGINES)} is on PATH"
    raise StageError(
        f"image {image} needs a container engine: {why}. Start or install one, or give the colour a directory or a revision"
    )


def _ask(engine: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([engine, *arguments], capture_output=True, text=True, check=False)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return lines[-1] if lines else f"code {done.returncode}"


def _at(port: int, command: Sequence[str]) -> list[str]:
    return [argument.replace(_PORT, str(port)) for argument in command]
