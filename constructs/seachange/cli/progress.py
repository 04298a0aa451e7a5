"""Shows a migration while it runs: a bar on a terminal, plain lines elsewhere, JSON lines for programs."""

import json
import sys
import time
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from seachange.cli.progress_words import Event, pace, sentence

LINE_EVERY_S = 5.0


class Format(StrEnum):
    """For people or for programs."""

    TERMINAL = "terminal"
    JSON = "json"


class Shown(Protocol):
    """Takes every event of the engine."""

    def __call__(self, event: Event, /) -> None: ...


def shown(output: Format) -> AbstractContextManager[Shown]:
    """What shows progress: JSON lines on standard output; for people, a bar or lines on standard error."""
    if output is Format.JSON:
        return Lines(sys.stdout, as_json=True)
    console = Console(stderr=True)
    return Bars(console) if console.is_terminal else Lines(sys.stderr)


class Lines:
    """A line for each event; of a backfill's rows one every few seconds, and all of them as JSON."""

    def __init__(self, output: TextIO, *, as_json: bool = False) -> None:
        self._output = output
        self._as_json = as_json
        self._told: dict[object, tuple[float, object]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event) -> None:
        if self._as_json:
            self._print(json.dumps(event, default=str))
        elif not self._is_too_soon(event) and (line := sentence(event)):
            self._print(line)

    def _is_too_soon(self, event: Event) -> bool:
        if event["event"] != "backfill":
            return False
        key, now = (event["name"], event["range"]), time.monotonic()
        last, paused = self._told.get(key, (-LINE_EVERY_S, None))
        if now - last < LINE_EVERY_S and paused == event["paused"]:
            return True
        self._told[key] = (now, event["paused"])
        return False

    def _print(self, line: str) -> None:
        print(line, file=self._output, flush=True)


class Pace(ProgressColumn):
    """The rate and the time left, as the engine says; or why the backfill pauses."""

    def render(self, task: Task) -> Text:
        paused = task.fields["paused"]
        return Text(f"paused: {paused}", style="yellow") if paused else Text(pace(task.fields), style="cyan")


class Bars:
    """A line for each event, and below them a bar for each backfill that runs."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("backfill {task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.completed:,.0f} of about {task.total:,.0f} rows"),
            Pace(),
            console=console,
            transient=True,
        )
        self._tasks: dict[tuple[object, object], TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        if event["event"] == "backfill":
            self._move(event)
            return
        if event["event"] == "backfilled":
            self._end(event["name"])
        if line := sentence(event):
            self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _move(self, event: Event) -> None:
        key, fields = (
            (event["name"], event["range"]),
            {name: event[name] for name in ("rows_per_s", "seconds_left", "paused")},
        )
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(event["name"], total=event["estimated"], **fields)
        part = f", range {event['range']} of {event['ranges']}" if event["ranges"] > 1 else ""
        looking = "" if event["pass"] == 1 else f", pass {event['pass']}"
        self._progress.update(
            self._tasks[key],
            description=f"{event['name']}{part}{looking}",
            completed=event["rows"],
            total=event["estimated"],
            refresh=True,
            **fields,
        )

    def _end(self, name: object) -> None:
        for key in [key for key in self._tasks if key[0] == name]:
            self._progress.remove_task(self._tasks.pop(key))
