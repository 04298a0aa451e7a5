"""A pull request's release against the main branch's: blue is a git revision, green the working tree, and both are synthesized here."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.config.source import Source
from seachange.rehearsal.config.synth import Synth
from seachange.rehearsal.errors import ConfigError, StageError
from seachange.rehearsal.releases import checked_out
from seachange.rehearsal.stage.process import ChildProcess

_LIMIT_S = 600.0
_POLL_S = 0.1
_LINES = 5
_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, kw_only=True)
class Assemblies:
    """Both releases' cloud assemblies; they are gone when the context ends."""

    blue: Path
    green: Path


@contextmanager
def synthesized(settings: RehearsalConfig, base: str) -> Iterator[Assemblies]:
    """Synthesizes the revision `base` in a checkout of its own, and the working tree where it lies, side by side.

    Args:
        settings: The working tree's configuration; its `[synth]` command serves both.
        base: A git revision of the repository that the configuration lies in.

    Raises:
        ConfigError: There is no `[synth]`, no such revision, or the configuration names other releases already.
        StageError: The command fails, writes no assembly, or does not end.
    """
    synth = _needed(settings, base)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="seachange-base-")))
        source = Source(directory=synth.directory, revision=base, start=(), environment={})
        directories = {"blue": stack.enter_context(checked_out(source, work)), "green": synth.directory}
        names = {"blue": f"revision {base}", "green": "the working tree"}
        running = {
            colour: _start(synth, directory, work / colour, f"synthesizing {names[colour]}")
            for colour, directory in directories.items()
        }
        for process in running.values():
            stack.callback(process.kill)
        _finish(running, work)
        yield Assemblies(blue=work / "blue", green=work / "green")


def served_by(settings: RehearsalConfig, base: str) -> RehearsalConfig:
    """The same configuration, with blue's code of the revision `base`."""
    return replace(settings, blue=replace(settings.blue, revision=base))


def post(markdown: str) -> None:
    """Adds to the summary of a step of GitHub Actions; nothing anywhere else.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
    """
    if path := os.environ.get(_SUMMARY):
        try:
            with Path(path).open("a", encoding="utf-8") as summary:
                summary.write(f"{markdown.rstrip()}\n")
        except OSError as error:
            raise StageError(f"${_SUMMARY} names {path}, which cannot be written: {error.strerror}") from error


def _needed(settings: RehearsalConfig, base: str) -> Synth:
    for colour in ("blue", "green"):
        source = settings.source(colour)
        # Blue's own revision gives way: it says what blue is where nothing else does.
        if source.image is not None or (colour == "green" and source.revision is not None):
            named = f"revision {source.revision}" if source.image is None else f"image {source.image}"
            raise ConfigError(
                f"--base {base}: {settings.path} says that {colour} is {named}, and --base compares a revision with the working tree; "
                "take that out, or give both assemblies with --blue and --green"
            )
    if settings.synth is None:
        raise ConfigError(
            f'--base {base}: {settings.path} does not say how a release is synthesized; add [synth] with a command such as ["cdk", "synth", '
            '"--quiet", "--output", "{{out}}"]'
        )
    return settings.synth


def _start(synth: Synth, directory: Path, out: Path, name: str) -> ChildProcess:
    return ChildProcess(
        name,
        synth.arguments(out),
        log=out.with_suffix(".log"),
        cwd=directory,
        env=_environment(os.environ),
    )


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """One's own, with the programs of this Python environment before all others, and without a git hook's variables."""
    kept = {name: value for name, value in own.items() if not name.startswith("GIT_")}
    return {**kept, "PATH": os.pathsep.join([str(Path(sys.executable).parent), own.get("PATH", os.defpath)])}


def _finish(running: Mapping[str, ChildProcess], work: Path) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while any(process.exit_code() is None for process in running.values()):
        if time.monotonic() > deadline:
            raise StageError(f"synthesizing did not end within {_LIMIT_S:.0f} s; run the [synth] command by hand")
        for process in running.values():
            _must_not_fail(process)
        time.sleep(_POLL_S)
    for colour, process in running.items():
        _must_not_fail(process)
        if not (work / colour / "manifest.json").is_file():
            raise StageError(
                f"{process.name} wrote no cloud assembly; the [synth] command must write it to {{{{out}}}}"
            )


def _must_not_fail(process: ChildProcess) -> None:
    if process.exit_code():
        raise StageError(f"{process.name} failed with code {process.exit_code()}: {process.last_lines(_LINES)}")
