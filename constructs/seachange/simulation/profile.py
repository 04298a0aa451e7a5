"""The traffic under which a release is simulated."""

from dataclasses import dataclass

from seachange.simulation.errors import SimulationError

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The service's traffic, both colours together, as it is without a bad release.

    Attributes:
        requests_per_s: The rate in each of the day's 24 hours, or one rate for all of them. A release begins at any time of the day.
        latency_median_s: Median of the response time in seconds; response times are lognormal.
        latency_sigma: Standard deviation of the response time's logarithm; 0 for no spread.
        error_rate: Share of the requests that the targets answer with a 5xx anyway, between 0 and 1.
        dispersion: Variance over mean of a minute's requests, and of its 5xx answers: 1 is Poisson, more is burstier (negative binomial).
        tasks: Targets in each group.
    """

    requests_per_s: tuple[float, ...]
    latency_median_s: float
    latency_sigma: float
    error_rate: float
    dispersion: float
    tasks: int

    def __post_init__(self) -> None:
        if len(self.requests_per_s) not in (1, HOURS) or not all(rate >= 0 for rate in self.requests_per_s):
            raise SimulationError(
                f"Profile(requests_per_s=) has {len(self.requests_per_s)} values; give one, or one for each of the {HOURS} hours, none below 0"
            )
        for name, is_right, remedy in (
            ("latency_median_s", self.latency_median_s > 0, "give seconds, more than 0"),
            ("latency_sigma", self.latency_sigma >= 0, "give 0 or more"),
            ("error_rate", 0 <= self.error_rate <= 1, "give a share between 0 and 1: 0.001 for one in a thousand"),
            ("dispersion", self.dispersion >= 1, "give 1 for Poisson arrivals, more for burstier ones"),
            ("tasks", self.tasks >= 1, "give 1 or more"),
        ):
            if not is_right:
                raise SimulationError(f"Profile({name}=) cannot be {getattr(self, name)!r}: {remedy}")
