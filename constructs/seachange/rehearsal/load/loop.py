"""An event loop whose timers are exact, and which takes any number of connections."""

import asyncio
import select
import selectors
import sys
from collections.abc import Callable

if sys.platform.startswith("linux"):

    class _ExactEpoll(selectors.EpollSelector):
        """epoll rounds a timer up to whole milliseconds, and select() takes no descriptor above 1023: wait with select() on epoll itself."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                select.select([self.fileno()], [], [], timeout)
                timeout = 0
            return super().select(timeout)

    _selector: Callable[[], selectors.BaseSelector] = _ExactEpoll
else:
    # kqueue's timers are exact.
    _selector = selectors.DefaultSelector


def exact_loop() -> asyncio.AbstractEventLoop:
    """A new event loop."""
    return asyncio.SelectorEventLoop(_selector())
