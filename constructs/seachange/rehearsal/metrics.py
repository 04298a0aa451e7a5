"""The load balancer's access log and its targets' states, counted by target group and by slices of time."""

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seachange.rehearsal.access_log import ANSWERED, BY_ITSELF, Entry, parse
from seachange.rehearsal.stage.envoy import Hosts


@dataclass
class Bucket:
    """One target group in one slice of time, or what the listener answered without any.

    Attributes:
        requests: Those for which a target was chosen.
        statuses: Hundreds of the targets' answers, such as 2 → count.
        balancer: Status of the load balancer's own answers → count.
        by_listener: Those of them that its rules or its default action gave.
        connection_errors: Connections to targets that failed.
        response_s: The targets' response times in seconds.
        unhealthy, healthy: Targets; None when nobody looked.
    """

    requests: int = 0
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    balancer: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    by_listener: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    connection_errors: int = 0
    response_s: list[float] = field(default_factory=list)
    unhealthy: int | None = None
    healthy: int | None = None

    @property
    def redirects(self) -> int:
        """How many of the listener's own answers sent the client elsewhere."""
        return sum(count for status, count in self.by_listener.items() if status // 100 == 3)

    def count(self, entry: Entry) -> None:
        """Counts one request."""
        outcome = entry.outcome
        if outcome is ANSWERED:
            self.statuses[entry.status // 100] += 1
        else:
            self.balancer[entry.status] += 1
            self.by_listener[entry.status] += outcome is BY_ITSELF
        self.connection_errors += outcome.connection_error
        self.requests += outcome.chosen
        if entry.target_s is not None:
            self.response_s.append(entry.target_s)

    def add(self, other: "Bucket") -> None:
        """Folds a later bucket into this one."""
        self.requests += other.requests
        for status, count in other.statuses.items():
            self.statuses[status] += count
        for status, count in other.balancer.items():
            self.balancer[status] += count
        for status, count in other.by_listener.items():
            self.by_listener[status] += count
        self.connection_errors += other.connection_errors
        self.response_s += other.response_s
        self.unhealthy = _worst(self.unhealthy, other.unhealthy, max)
        self.healthy = _worst(self.healthy, other.healthy, min)


class Measurements:
    """Follows the access log in a thread of its own, into buckets of `slice_s` seconds."""

    def __init__(self, access_log: Path, *, slice_s: float) -> None:
        self._access_log = access_log
        self._slice_s = slice_s
        self._buckets: dict[tuple[int, str], Bucket] = defaultdict(Bucket)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="access-log", daemon=True)
        self._problem: Exception | None = None

    def __enter__(self) -> "Measurements":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def observe_hosts(self, at: float, colour: str, hosts: Hosts) -> None:
        """Notes a target group's state at epoch second `at`; a group without targets sends no metric."""
        if hosts.total:
            with self._lock:
                bucket = self._buckets[self._index(at), colour]
                bucket.unhealthy = _worst(bucket.unhealthy, hosts.unhealthy, max)
                bucket.healthy = _worst(bucket.healthy, hosts.total - hosts.unhealthy, min)

    def bucket(self, colour: str, start: float, end: float) -> Bucket:
        """What a colour did from epoch second `start` up to `end`."""
        if self._problem:
            raise self._problem
        total = Bucket()
        with self._lock:
            for index in range(self._index(start), self._index(end)):
                if (index, colour) in self._buckets:
                    total.add(self._buckets[index, colour])
        return total

    def slices(self) -> list[tuple[float, str, Bucket]]:
        """Every bucket: its start in epoch seconds, its colour, itself."""
        with self._lock:
            return [
                (index * self._slice_s, colour, bucket) for (index, colour), bucket in sorted(self._buckets.items())
            ]

    def _index(self, at: float) -> int:
        # An epoch second is exact to 2e-7 s only: at most speeds a period's end would else fall into the slice before it.
        return math.floor(at / self._slice_s + 1e-4)

    def _follow(self) -> None:
        rest = ""
        with self._access_log.open(encoding="utf-8") as log:
            while True:
                last_round = self._stop.is_set()
                *lines, rest = (rest + log.read()).split("\n")
                try:
                    with self._lock:
                        for entry in map(parse, lines):
                            self._buckets[self._index(entry.at), entry.group].count(entry)
                except (ValueError, KeyError, TypeError) as error:
                    self._problem = error
                    return
                if last_round:
                    return
                self._stop.wait(0.05)


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of at least one sample."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _worst(first: int | None, second: int | None, choose: Callable[[int, int], int]) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return choose(first, second)
