"""The load balancer's metrics of many releases, as an alarm would read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seachange.evaluation import Metric, fewest_samples, value
from seachange.plan.alb import HOSTS, RESPONSE_TIME, colours_of, has_data, is_known
from seachange.simulation.latency import Latency
from seachange.simulation.traffic import Side
from seachange.simulation.unknowns import Zeros

Floats = NDArray[np.float64]
# Colours, and how many minutes.
Pool = tuple[tuple[str, ...], int]
# The counts that a target answers for; the load balancer's own come only when they are not 0, whatever is unknown of these.
_TARGETS = {"HTTPCode_Target_2XX_Count", "HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount"}
_BALANCERS = {f"HTTPCode_ELB_{code}_Count" for code in ("5XX", "502", "503", "504")}


def why_not(metric: Metric, colours: Mapping[str, str]) -> str | None:
    """Why a metric is not simulated; None when it is."""
    shown = f"{metric.namespace} {metric.name}"
    if not is_known(metric):
        return f"{shown} does not follow from the traffic"
    if not has_data(metric):
        return f"{shown} is never sent by {' and '.join(sorted(metric.dimensions)) or 'no dimension'}: the alarm has no data"
    if not colours_of(metric, colours):
        return f"{shown} is of a target group outside this deployment"
    if metric.name in {"RequestCount"} | _TARGETS | _BALANCERS:
        return None if metric.statistic == "Sum" else f"{shown} is simulated as a Sum, not as {metric.statistic}"
    if metric.name in HOSTS:
        simple = metric.statistic in {"Maximum", "Minimum", "Average"}
        return None if simple else f"{shown} is simulated as Maximum, Minimum or Average"
    if metric.name == RESPONSE_TIME:
        return (
            None
            if _percent(metric.statistic) is not None or metric.statistic in _MEANS
            else f"{shown} as {metric.statistic} is not simulated"
        )
    return f"{shown} is not simulated: no profile says how much of it there is"


def is_sparse(metric: Metric) -> bool:
    """Whether the metric counts answers of targets, of which a minute with requests may have none."""
    return metric.name.startswith("HTTPCode_Target_")


_MEANS = {"Average", "Sum", "SampleCount"}


def _percent(statistic: str) -> float | None:
    """The percentile that a statistic is: the least 0, the greatest 100."""
    if statistic in {"Minimum", "Maximum"}:
        return 0.0 if statistic == "Minimum" else 100.0
    try:
        return float(statistic[1:]) if statistic.startswith("p") else None
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A metric as an alarm asks for it: of which groups, over how many minutes."""

    metric: Metric
    colours: tuple[str, ...]
    minutes: int

    @property
    def pool(self) -> Pool:
        return self.colours, self.minutes

    @property
    def key(self) -> tuple[str, str, Pool]:
        """The same for every alarm that asks for the same."""
        return self.metric.name, self.metric.statistic, self.pool


class Measured:
    """All metrics of some releases.

    Args:
        sides: Colour → its minutes.
        sick: Whether green's targets fail their health check; minutes x releases.
        tasks: Targets in each group.
        latency: The response times.
        chance: Draws response times when they are first asked for.
        compression: By which counts are multiplied.
        asked: All that will be asked for: percentiles of the same minutes belong together.
    """

    def __init__(
        self,
        *,
        sides: Mapping[str, Side],
        sick: NDArray[np.bool_],
        tasks: int,
        latency: Latency,
        chance: np.random.Generator,
        compression: float,
        asked: Iterable[Asked],
    ) -> None:
        self._sides = sides
        self._sick = sick
        self._tasks = tasks
        self._latency = latency
        self._chance = chance
        self._compression = compression
        # Many alarms ask for the same.
        self._points: dict[tuple[str, str, Pool, Zeros], Floats] = {}
        self._series: dict[tuple[object, ...], Floats] = {}
        self._pools: dict[Pool, Side] = {}
        self._times: dict[Pool, dict[float, Floats]] = {}
        self._averages: dict[Pool, Floats] = {}
        self._percents: dict[Pool, set[float]] = {}
        for one in asked:
            if one.metric.name == RESPONSE_TIME and (percent := _percent(one.metric.statistic)) is not None:
                self._percents.setdefault(one.pool, set()).add(percent)

    def points(self, asked: Asked, zeros: Zeros) -> Floats:
        """The metric over each period that ends with each minute; NaN where CloudWatch would have no data."""
        key = (*asked.key, zeros)
        if key not in self._points:
            self._points[key] = self._measure(asked, zeros)
        return self._points[key]

    def series(self, expression: str, metrics: Mapping[str, Asked], zeros: Zeros) -> Floats:
        """The points of an expression over metrics, by id; calculated once, whatever thresholds and delays are tried on them."""
        key = (expression, zeros, *((name, asked.key) for name, asked in metrics.items()))
        if key not in self._series:
            self._series[key] = value(expression, {name: self.points(one, zeros) for name, one in metrics.items()})
        return self._series[key]

    def _measure(self, asked: Asked, zeros: Zeros) -> Floats:
        name = asked.metric.name
        if name in HOSTS:
            is_green = asked.colours == ("green",)
            sick = _over(self._sick, asked.minutes) > 0 if is_green else np.zeros(1, bool)
            return np.where(sick == (name == "UnHealthyHostCount"), float(self._tasks), 0.0)
        pool = self._pool(asked.pool)
        if name == RESPONSE_TIME:
            return self._response_times(asked, pool)
        if name in _TARGETS:
            count = {
                "HTTPCode_Target_5XX_Count": pool.errors,
                "HTTPCode_Target_2XX_Count": pool.responses - pool.errors,
            }
            found = np.asarray(count.get(name, 0.0))
            is_there = pool.requests > 0 if zeros == "sent" else found > 0
        else:
            found = np.asarray(
                pool.requests
                if name == "RequestCount"
                else pool.resets
                if name in {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_502_Count"}
                else 0.0
            )
            is_there = found > 0
        return np.where(is_there, found * self._compression, np.nan)

    def has_few_samples(self, asked: Asked) -> NDArray[np.bool_] | None:
        """Where the metric is a percentile of too few; None when it is no percentile."""
        fewest = fewest_samples(asked.metric.statistic)
        return self._pool(asked.pool).responses * self._compression < fewest if fewest else None

    def _response_times(self, asked: Asked, pool: Side) -> Floats:
        percent = _percent(asked.metric.statistic)
        if percent is not None:
            if asked.pool not in self._times:
                self._times[asked.pool] = self._latency.percentiles(
                    self._chance, pool.responses, pool.slow, self._percents[asked.pool]
                )
            return self._times[asked.pool][percent]
        counts = np.where(pool.responses > 0, pool.responses * self._compression, np.nan)
        if asked.metric.statistic == "SampleCount":
            return counts
        if asked.pool not in self._averages:
            self._averages[asked.pool] = self._latency.averages(self._chance, pool.responses, pool.slow)
        averages = self._averages[asked.pool]
        return averages if asked.metric.statistic == "Average" else averages * counts

    def _pool(self, key: Pool) -> Side:
        if key not in self._pools:
            colours, minutes = key
            sides = [self._sides[colour] for colour in colours]
            self._pools[key] = sides[0] if len(sides) == minutes == 1 else _pooled(sides, minutes)
        return self._pools[key]


def _pooled(sides: Sequence[Side], minutes: int) -> Side:
    """Several colours and minutes as one."""
    requests, errors, resets, slow = (
        _over(sum(part), minutes)
        for part in (
            [side.requests for side in sides],
            [side.errors for side in sides],
            [side.resets for side in sides],
            [side.slow * side.responses for side in sides],
        )
    )
    return Side(requests=requests, errors=errors, resets=resets, slow=slow / np.maximum(requests - resets, 1))


def _over(counts: Any, minutes: int) -> Any:
    """The sum of each minute and those before it, so many in all."""
    if minutes == 1 or np.ndim(counts) == 0:
        return counts * minutes
    total = np.cumsum(counts, axis=0, dtype=float)
    total[minutes:] -= total[:-minutes].copy()
    return total
