"""A traffic profile fitted from access logs: rate by hour of the day, response times, background errors, burstiness."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist, median

from seachange.evaluation import fewest_samples
from seachange.simulation.errors import SimulationError
from seachange.simulation.logs import Seen, log_files, requests
from seachange.simulation.profile import HOURS, Profile

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400
_FEWEST_REQUESTS = 100
# A log's last line is often half a line; more than one bad line in a hundred is another kind of file.
_MOST_UNREADABLE = 0.01
# With fewer minutes or errors, variance over mean is more chance than measure: its own standard deviation is about sqrt(2/minutes + 1/errors).
_FEWEST_MINUTES = 30
_FEWEST_ERRORS = 30
# Response times are counted in bins of one percent.
_BINS = 100


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A profile, and on what it stands.

    Attributes:
        requests: How many requests it is fitted from.
        span_s: Seconds from the first to the last.
        notes: What the logs could not tell, and what was taken instead.
    """

    profile: Profile
    requests: int
    span_s: float
    notes: tuple[str, ...]


def fit(path: Path, *, progress: Callable[[int], None] = lambda _: None) -> Fit:
    """The profile of the traffic in access logs.

    Args:
        path: An access log, plain or .gz, or a folder of them; see `seachange.simulation.logs` for the formats.
        progress: Told how many requests have been read, now and then.

    Raises:
        SimulationError: What is there cannot be read, or is too little.
    """
    tally = _Tally()
    unreadable = 0
    for file in log_files(path):
        for seen in requests(file):
            if seen is None:
                unreadable += 1
                continue
            tally.count(seen)
            if tally.requests % 1_000_000 == 0:
                progress(tally.requests)
    if unreadable > 1 and unreadable > _MOST_UNREADABLE * (tally.requests + unreadable):
        raise SimulationError(
            f"{path}: {unreadable} of {tally.requests + unreadable} lines are not of their file's format; give access logs alone"
        )
    if tally.requests < _FEWEST_REQUESTS:
        raise SimulationError(
            f"{path} holds {tally.requests} requests that reached a target; give {_FEWEST_REQUESTS} or more, better a whole day's"
        )
    return tally.fitted(unreadable)


@dataclass
class _Tally:
    """Counts; no request is kept."""

    requests: int = 0
    errors: int = 0
    first_s: float = math.inf
    last_s: float = -math.inf
    by_minute: Counter[int] = field(default_factory=Counter)
    errors_by_minute: Counter[int] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    targets: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def count(self, seen: Seen) -> None:
        minute = int(seen.at_s // _MINUTE_S)
        self.requests += 1
        self.by_minute[minute] += 1
        self.first_s, self.last_s = min(self.first_s, seen.at_s), max(self.last_s, seen.at_s)
        if seen.is_error:
            self.errors += 1
            self.errors_by_minute[minute] += 1
        if seen.latency_s is not None:
            self.latencies[math.floor(_BINS * math.log(seen.latency_s))] += 1
        if seen.target:
            self.targets[minute // 60].add(seen.target)

    def fitted(self, unreadable: int) -> Fit:
        notes = [f"{unreadable} lines could not be read"] if unreadable else []
        given: dict[str, float] = {}
        rates, note = self._rates()
        notes += note
        self._fit_latency(given, notes)
        self._fit_dispersion(given, notes)
        return Fit(
            profile=Profile(
                requests_per_s=tuple(_rounded(rate) for rate in rates),
                error_rate=_rounded(self.errors / self.requests),
                tasks=self._tasks(),
                **{name: _rounded(value) for name, value in given.items()},
            ),
            requests=self.requests,
            span_s=self.last_s - self.first_s,
            notes=tuple(notes),
        )

    def _tasks(self) -> int:
        """Different targets in an hour; the default where the log names none."""
        return round(median(len(one) for one in self.targets.values())) if self.targets else Profile.tasks

    def _rates(self) -> tuple[tuple[float, ...], list[str]]:
        """Hours of the day in UTC. An hour of some day without any request counts as not recorded, unless that hour never has one."""
        if self.last_s - self.first_s < _DAY_S:
            span = max(self.last_s - self.first_s, 1.0)
            return (self.requests / span,), [f"the logs span {span / _HOUR_S:.1f} h, not a day: one rate for all hours"]
        counts, seconds = [0.0] * HOURS, [0.0] * HOURS
        recorded = {minute // 60 for minute in self.by_minute}
        for minute, count in self.by_minute.items():
            counts[minute // 60 % HOURS] += count
        for hour in recorded:
            start, end = max(hour * _HOUR_S, self.first_s), min((hour + 1) * _HOUR_S, self.last_s)
            seconds[hour % HOURS] += max(end - start, 0.0)
        silent = [str(hour) for hour in range(HOURS) if not counts[hour]]
        rates = tuple(count / max(time, 1.0) for count, time in zip(counts, seconds, strict=True))
        return rates, [f"no request in the hours {', '.join(silent)} UTC: taken as without traffic"] if silent else []

    def _fit_latency(self, given: dict[str, float], notes: list[str]) -> None:
        answered = self.latencies.total()
        percent = next((p for p in (99, 95, 90) if answered >= fewest_samples(f"p{p}")), None)
        if percent is None:
            notes.append(f"only {answered} requests have a response time: the default distribution is taken")
            return
        # Alarms look at the upper percentiles, so the spread is taken from there, not from all of the distribution.
        middle, upper = _quantile(self.latencies, 0.5), _quantile(self.latencies, percent / 100)
        given["latency_median_s"] = middle
        given["latency_sigma"] = max(0.0, math.log(upper / middle) / NormalDist().inv_cdf(percent / 100))
        if percent < 99:
            notes.append(f"the spread of the response times is taken from p{percent}: {answered} are too few for p99")

    def _fit_dispersion(self, given: dict[str, float], notes: list[str]) -> None:
        found = _dispersion(self.by_minute, self.by_minute)
        if found is None:
            notes.append(f"fewer than {_FEWEST_MINUTES} whole minutes: arrivals are taken as Poisson")
        else:
            given["dispersion"] = found
        if self.errors < _FEWEST_ERRORS or found is None:
            # Errors that come by chance among bursty requests are hardly bursty themselves: the less, the rarer they are.
            notes.append(
                f"{self.errors} answers of 5xx are too few to show whether they come in bursts: taken as by chance"
            )
            given["error_dispersion"] = 1 + self.errors / self.requests * ((found or 1.0) - 1)
        else:
            given["error_dispersion"] = _dispersion(self.errors_by_minute, self.by_minute) or 1.0


def _dispersion(counts: Mapping[int, int], recorded: Iterable[int]) -> float | None:
    """Variance over mean of a minute's count, each hour about its own mean; None for too few minutes."""
    first, last = min(recorded), max(recorded)
    hours: dict[int, list[int]] = defaultdict(list)
    with_requests = {minute // 60 for minute in recorded}
    # The first and the last minute are parts of one.
    for minute in range(first + 1, last):
        if minute // 60 in with_requests:
            hours[minute // 60].append(counts.get(minute, 0))
    if sum(len(one) - 1 for one in hours.values()) < _FEWEST_MINUTES:
        return None
    squares = expected = 0.0
    for one in hours.values():
        mean = sum(one) / len(one)
        squares += sum((count - mean) ** 2 for count in one)
        expected += (len(one) - 1) * mean
    return max(1.0, squares / expected)


def _rounded(number: float) -> float:
    """More digits than four would claim what no log shows."""
    return float(f"{number:.4g}")


def _quantile(bins: Counter[int], share: float) -> float:
    """The quantile of what was counted in bins of one percent."""
    wanted, below = share * bins.total(), 0
    for place in sorted(bins):
        below += bins[place]
        if below >= wanted:
            break
    return math.exp((place + 0.5) / _BINS)
