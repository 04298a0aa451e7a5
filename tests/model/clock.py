"""A clock that jumps: events wait in a heap, and sleeping runs those that fall due."""

import heapq
from collections.abc import Callable


class Clock:
    """Virtual seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.happened = 0
        self._waiting: list[tuple[float, int, Callable[[], None], bool]] = []
        self._count = 0

    def after(self, seconds: float, run: Callable[[], None], *, ticks: bool = False) -> None:
        """Runs something later; what only `ticks` does not count as something that happened."""
        self._count += 1
        heapq.heappush(self._waiting, (self.now + seconds, self._count, run, ticks))

    def next_at(self) -> float:
        """When the next event falls due; infinity if none waits."""
        return self._waiting[0][0] if self._waiting else float("inf")

    def step(self) -> None:
        """Jumps to the next event and runs it."""
        when, _, run, ticks = heapq.heappop(self._waiting)
        self.now = max(self.now, when)
        self.happened += not ticks
        run()

    def sleep(self, seconds: float) -> None:
        """Lets time pass, with all that falls due in it; an event may itself sleep, so time may run further."""
        until = self.now + seconds
        while self.next_at() <= until:
            self.step()
        self.now = max(self.now, until)
