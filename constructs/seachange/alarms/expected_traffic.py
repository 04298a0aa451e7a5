"""The traffic that a service expects."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from aws_cdk import Token

from seachange.errors import InvalidArgumentError
from seachange.known import LATER, check_number

if TYPE_CHECKING:
    from seachange.simulation.profile import Profile

_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class ExpectedTraffic:
    """What the service's traffic is like. The synthesis simulates releases under it, and warns of alarms that do not suit it.

    `seachange simulate --logs` finds these numbers in access logs. All must be known when the app is synthesized.

    Attributes:
        requests_per_second: Of blue and green together: one number, or one for each of the day's 24 hours.
        error_percent: What the service answers 5xx anyway, in percent of its requests; 0 by default.
        bad_error_percent: A release that answers so many percent of its requests with 5xx, or not at all, is to be taken back; 5 by default.
        p50_seconds, p99_seconds: Median and 99th percentile of its response time. Give both or neither, the default: the alarms on response times
            are then not looked at.
        bad_delay_seconds: A release whose responses take so much longer is to be taken back; 1 by default.
    """

    requests_per_second: float | Sequence[float]
    error_percent: float = 0
    bad_error_percent: float = 5
    p50_seconds: float | None = None
    p99_seconds: float | None = None
    bad_delay_seconds: float = 1

    def __post_init__(self) -> None:
        if len(self._hourly) not in (1, _HOURS):
            raise InvalidArgumentError(
                "ExpectedTraffic(requests_per_second=)",
                f"{len(self._hourly)} numbers",
                f"give one, or one for each of the day's {_HOURS} hours",
            )
        for rate in self._hourly:
            _check("requests_per_second", rate, lambda given: given >= 0, "give 0 or more")
        if not any(self._hourly):
            raise InvalidArgumentError("ExpectedTraffic(requests_per_second=)", 0, "give more than 0 in some hour")
        _check("error_percent", self.error_percent, lambda given: 0 <= given < 100, "give 0 or more, less than 100")
        _check(
            "bad_error_percent", self.bad_error_percent, lambda given: 0 < given <= 100, "give more than 0, 100 at most"
        )
        _check("bad_delay_seconds", self.bad_delay_seconds, lambda given: given > 0, "give more than 0")
        if (self.p50_seconds is None) != (self.p99_seconds is None):
            raise InvalidArgumentError(
                "ExpectedTraffic(p50_seconds=, p99_seconds=)",
                (self.p50_seconds, self.p99_seconds),
                "give both, or neither",
            )
        if self.p50_seconds is not None and self.p99_seconds is not None:
            median = self.p50_seconds
            _check("p50_seconds", median, lambda given: given > 0, "give more than 0")
            _check("p99_seconds", self.p99_seconds, lambda given: given >= median, "give no less than p50_seconds")

    @property
    def _hourly(self) -> tuple[float, ...]:
        given = self.requests_per_second
        return tuple(given) if isinstance(given, Sequence) else (given,)

    def profile(self) -> "Profile":
        """The same for a simulation, in which response times are lognormal."""
        from seachange.simulation.profile import Profile

        rates = tuple(float(rate) for rate in self._hourly)
        if self.p50_seconds is None or self.p99_seconds is None:
            return Profile(requests_per_s=rates, error_rate=self.error_percent / 100)
        return Profile(
            requests_per_s=rates,
            error_rate=self.error_percent / 100,
            latency_median_s=self.p50_seconds,
            latency_sigma=math.log(self.p99_seconds / self.p50_seconds) / NormalDist().inv_cdf(0.99),
        )


def _check(name: str, value: float, holds: Callable[[float], bool], remedy: str) -> None:
    argument = f"ExpectedTraffic({name}=)"
    check_number(argument, value, holds, remedy)
    if Token.is_unresolved(value):
        raise InvalidArgumentError(
            argument, LATER, "give a number that the program knows: the synthesis simulates with it"
        )
