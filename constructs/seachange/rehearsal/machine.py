"""Whether this machine could carry a rehearsal: else it, and not the release, is at fault."""

import threading
import time
from collections.abc import Sequence

import psutil

from seachange.rehearsal.errors import REMEDY
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.statistics import AA

# The generator's own delay, and how busy the processors were in the median second: beyond these, latency says nothing of the release.
MOST_LAG_S, MOST_CPU_PERCENT = 0.005, 85.0
# Beyond these a load is none: the machine does not carry it at all.
_HOPELESS_LAG_S, _FEWEST_SHARE = 0.25, 0.9
# Each request under way takes two files of the load balancer's: it would end before the baseline does.
_DROWNED_S, _MOST_UNDER_WAY = 5.0, 4000
_EVERY_S = 1.0


class Machine:
    """Samples how busy all processors are, once a second, in a thread of its own."""

    def __init__(self) -> None:
        self.cpu: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="machine", daemon=True)

    def __enter__(self) -> "Machine":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def _sample(self) -> None:
        # The first answer is about no time at all, in each thread anew.
        psutil.cpu_percent()
        while not self._stop.wait(_EVERY_S):
            self.cpu.append((time.time(), psutil.cpu_percent()))


def faults(cpu_percent: Sequence[float], lag_s: Sequence[float], aa: AA | None) -> list[str]:
    """Why the machine is to blame for what was measured; nothing when it is not.

    A peak, as when tasks start, is no fault: the median second counts.

    Args:
        cpu_percent: One sample a second, over all processors, while there was load.
        lag_s: How late each request left.
        aa: The A/A phase; None where there was none.
    """
    found = []
    if lag_s and (lag := percentile(lag_s, 99)) > MOST_LAG_S:
        found.append(
            f"the load generator sent one request in a hundred {1000 * lag:.1f} ms late or later; {1000 * MOST_LAG_S:g} ms are allowed"
        )
    if cpu_percent and (busy := percentile(cpu_percent, 50)) > MOST_CPU_PERCENT:
        found.append(
            f"the processors were busy for {busy:.0f} % of the median second; {MOST_CPU_PERCENT:g} % are allowed"
        )
    if aa is not None and not aa.passed:
        found.append("blue's build differed from itself (A/A) by more than chance makes in 99 of 100 cases")
    return found


def overload(sent: int, answered: int, lag_s: Sequence[float], *, rate: float) -> str | None:
    """Why the machine cannot carry the load at all, with the remedy; None when it can.

    Args:
        sent, answered: Requests so far.
        lag_s: How late each request left, of those that have been answered.
        rate: Requests per second that were wanted.
    """
    if sent and answered < _FEWEST_SHARE * sent:
        return (
            f"this machine does not carry {rate:g} requests/s: of {sent} only {answered} are answered so far; {REMEDY}"
        )
    if lag_s and (lag := percentile(lag_s, 99)) > _HOPELESS_LAG_S:
        return f"this machine does not carry {rate:g} requests/s: requests left up to {lag:.1f} s late; {REMEDY}"
    return None


def drowned(sent: int, answered: int, *, rate: float) -> str | None:
    """Why not even to wait for the whole baseline: the answers are seconds behind, and each second makes it worse. None while they are not.

    Args:
        sent, answered: Requests by this moment, at a steady rate.
        rate: Requests per second that were wanted.
    """
    under_way = sent - answered
    if under_way <= min(_DROWNED_S * rate, _MOST_UNDER_WAY):
        return None
    return f"this machine does not carry {rate:g} requests/s: {under_way} of {sent} wait for their answer; {REMEDY}"
