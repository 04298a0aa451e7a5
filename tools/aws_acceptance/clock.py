"""Time, so that a dry run need not wait."""

import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """What a run knows of time."""

    def now(self) -> datetime.datetime:
        """The time, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class WallClock:
    """The real one."""

    def now(self) -> datetime.datetime:
        """The time, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)
