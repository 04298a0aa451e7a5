"""Shows a rehearsal while it runs: one live line on a terminal, a line now and then elsewhere."""

import time
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table

_BAR = 20
_LINE_EVERY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where a rehearsal is."""

    phase: str = ""
    green_weight: int = 0
    requests: int = 0
    failed: int = 0


class Progress(Protocol):
    """Takes every change of status."""

    def show(self, status: Status) -> None:
        """Shows the status, when it is worth it."""

    def title(self, text: str) -> None:
        """Says what the following statuses are of."""


class LiveProgress:
    """A line that stays in place, and one left behind for each phase that has ended."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=8, transient=True)
        self._console = console
        self._phase = ""
        self._since = self._start = time.monotonic()

    def __enter__(self) -> "LiveProgress":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def title(self, text: str) -> None:
        self._console.print(f"[bold]{text}[/]")

    def show(self, status: Status) -> None:
        now = time.monotonic()
        if status.phase != self._phase:
            if self._phase:
                self._console.print(f"  [green]✓[/] {self._phase:<24} {now - self._since:6.1f} s", highlight=False)
            self._phase, self._since = status.phase, now
        self._live.update(_line(status, now - self._start))


class LineProgress:
    """A plain line for each phase, each new weight, and every few seconds."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._shown = Status()
        self._start = time.monotonic()
        self._last = 0.0

    def __enter__(self) -> "LineProgress":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def title(self, text: str) -> None:
        print(f"--- {text}", file=self._output, flush=True)

    def show(self, status: Status) -> None:
        now = time.monotonic()
        news = (status.phase, status.green_weight) != (self._shown.phase, self._shown.green_weight)
        if news or now - self._last > _LINE_EVERY_S:
            self._shown, self._last = status, now
            print(
                f"{now - self._start:6.1f} s  {status.phase:<20} green {status.green_weight:3d} %  "
                f"{status.requests:6d} requests  {status.failed} failed",
                file=self._output,
                flush=True,
            )


def _line(status: Status, elapsed_s: float) -> Table:
    filled = round(_BAR * status.green_weight / 100)
    weights = f"[blue]{'█' * (_BAR - filled)}[/][green]{'█' * filled}[/] {100 - status.green_weight:3d}/{status.green_weight:<3d}"
    failed = f"[red]{status.failed} failed[/]" if status.failed else "0 failed"
    row = Table.grid(padding=(0, 2))
    row.add_row(f"  [bold]{status.phase:<24}[/]", weights, f"{status.requests} requests", failed, f"{elapsed_s:.0f} s")
    return row
