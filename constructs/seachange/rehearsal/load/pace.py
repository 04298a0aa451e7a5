"""When each request is due: exact, also over changes of the rate."""

import math


class Pace:
    """Maps positions in the load to times: at `rate` requests per second the position grows by `rate` each second.

    Over any changes of the rate, the position is the rate's integral; so many requests are due, to the request.

    Args:
        rate: Requests per second; 0 for a pause.
        start: The time of position 0, in epoch seconds.
    """

    def __init__(self, rate: float, start: float) -> None:
        self._rate = rate
        self._since = start
        self._position = 0.0

    def due(self, position: float) -> float:
        """When the request at `position` is due, in epoch seconds; never during a pause."""
        if self._rate == 0:
            return math.inf
        return self._since + (position - self._position) / self._rate

    def set_rate(self, rate: float, at: float) -> None:
        """Goes on at another rate from the epoch second `at` on."""
        at = max(at, self._since)
        self._position += (at - self._since) * self._rate
        self._since = at
        self._rate = rate
