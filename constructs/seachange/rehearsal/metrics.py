"""What CloudWatch would have been told: the load balancer's access log and target states, folded into the metrics that alarms read.

A compressed period holds fewer requests than the real one. Counts are therefore multiplied by the speed, so that thresholds and minimums
mean what they mean in the template; times and percentiles are taken as measured.
"""

import json
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seachange.assembly import referenced
from seachange.evaluation import Metric, Point
from seachange.plan.model import COLOURS
from seachange.rehearsal.access_log import ANSWERED, BY_ITSELF, NO_GROUP, Entry, parse
from seachange.rehearsal.stage.envoy import Hosts

ALB = "AWS/ApplicationELB"
_OF_GROUP = frozenset({"TargetGroup", "LoadBalancer"})
_OF_BALANCER = frozenset({"LoadBalancer"})


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
        return math.floor(at / self._slice_s + 1e-9)

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


def can_measure(metric: Metric) -> bool:
    """Whether the stage has this metric."""
    return metric.namespace == ALB and metric.name in _DIMENSIONS


def has_data(metric: Metric) -> bool:
    """Whether the load balancer sends this metric with these dimensions at all; an alarm on one that it does not send never sees a point."""
    return frozenset(metric.dimensions) in _DIMENSIONS[metric.name]


def groups(metric: Metric, colours: Mapping[str, str]) -> tuple[str, ...]:
    """Which buckets a metric is about: the group that it names, all when it names none, none when it names a stranger.

    Args:
        metric: One that can be measured.
        colours: As `Shift.colours`.
    """
    group = metric.dimensions.get("TargetGroup")
    if group is None:
        return (*COLOURS, NO_GROUP)
    colour = colours.get(referenced(json.loads(group)) or "")
    return (colour,) if colour else ()


def point(metric: Metric, buckets: Sequence[Bucket], speed: float) -> Point:
    """The metric's value over the `buckets` that its dimensions select; None when CloudWatch would have no data."""
    if not has_data(metric):
        return None
    total = Bucket()
    for bucket in buckets:
        total.add(bucket)
    if metric.name in _COUNTS:
        count = _COUNTS[metric.name](total)
        # The ALB reports these only when they are not zero; RequestCount too flows only with requests.
        return count * speed if count else None
    if metric.name == "TargetResponseTime":
        return _statistic(total.response_s, metric.statistic)
    hosts = total.unhealthy if metric.name == "UnHealthyHostCount" else total.healthy
    return None if hosts is None else float(hosts)


def samples(metric: Metric, buckets: Sequence[Bucket], speed: float) -> float:
    """How many samples a percentile in `point` would have on AWS; infinitely many for any other statistic."""
    if not metric.statistic.startswith("p"):
        return math.inf
    return speed * sum(len(bucket.response_s) for bucket in buckets)


def _own(bucket: Bucket, family: int) -> int:
    return sum(count for status, count in bucket.balancer.items() if status // 100 == family)


def _by_listener(bucket: Bucket, *, redirects: bool) -> int:
    return sum(count for status, count in bucket.by_listener.items() if (status // 100 == 3) == redirects)


# What a target answered, its group's name with it.
_COUNTS_OF_GROUP: dict[str, Callable[[Bucket], int]] = {
    "RequestCount": lambda bucket: bucket.requests,
    "HTTPCode_Target_2XX_Count": lambda bucket: bucket.statuses[2],
    "HTTPCode_Target_3XX_Count": lambda bucket: bucket.statuses[3],
    "HTTPCode_Target_4XX_Count": lambda bucket: bucket.statuses[4],
    "HTTPCode_Target_5XX_Count": lambda bucket: bucket.statuses[5],
    "TargetConnectionErrorCount": lambda bucket: bucket.connection_errors,
}
# What the load balancer answered, which names no group, whosever fault it was.
_COUNTS_OF_BALANCER: dict[str, Callable[[Bucket], int]] = {
    "HTTPCode_ELB_3XX_Count": lambda bucket: _own(bucket, 3),
    "HTTPCode_ELB_4XX_Count": lambda bucket: _own(bucket, 4),
    "HTTPCode_ELB_5XX_Count": lambda bucket: _own(bucket, 5),
    "HTTPCode_ELB_500_Count": lambda bucket: bucket.balancer[500],
    "HTTPCode_ELB_502_Count": lambda bucket: bucket.balancer[502],
    "HTTPCode_ELB_503_Count": lambda bucket: bucket.balancer[503],
    "HTTPCode_ELB_504_Count": lambda bucket: bucket.balancer[504],
    "HTTP_Fixed_Response_Count": lambda bucket: _by_listener(bucket, redirects=False),
    "HTTP_Redirect_Count": lambda bucket: _by_listener(bucket, redirects=True),
}
_COUNTS = _COUNTS_OF_GROUP | _COUNTS_OF_BALANCER
# The dimensions with which the ALB sends each metric; with an Availability Zone too, of which a rehearsal has none.
_DIMENSIONS: dict[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys([*_COUNTS_OF_GROUP, "TargetResponseTime"], (_OF_BALANCER, _OF_GROUP)),
    **dict.fromkeys(_COUNTS_OF_BALANCER, (_OF_BALANCER,)),
    **dict.fromkeys(["HealthyHostCount", "UnHealthyHostCount"], (_OF_GROUP,)),
}


def _statistic(samples: Sequence[float], statistic: str) -> Point:
    if not samples:
        return None
    match statistic:
        case "Average":
            return sum(samples) / len(samples)
        case "Maximum":
            return max(samples)
        case "Minimum":
            return min(samples)
        case "SampleCount":
            return float(len(samples))
        case "Sum":
            return sum(samples)
    return percentile(samples, float(statistic.removeprefix("p")))


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of at least one sample."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def _worst(first: int | None, second: int | None, choose: Callable[[int, int], int]) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return choose(first, second)
