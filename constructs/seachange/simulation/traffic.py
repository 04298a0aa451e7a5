"""What the load balancer measures of many releases: requests, failures and response times of each minute, drawn from the profile and the fault."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seachange.plan.faults import Fault
from seachange.simulation.exposure import MINUTE_S, Exposure
from seachange.simulation.profile import Profile

Floats = NDArray[np.float64]
_HOUR_S = 3600.0
# One tenant's requests come in bursts: their rate in a minute is gamma-distributed with this shape, so half of the minutes have hardly any.
_BURST_SHAPE = 0.25


@dataclass(frozen=True, kw_only=True)
class Side:
    """One colour in each minute of each release; minutes x releases.

    Attributes:
        requests: Those for which a target was chosen.
        errors: Answered 5xx by a target.
        resets: Answered 502 by the load balancer, whose target closed the connection.
        slow: The share of the responses that the fault slows.
    """

    requests: Floats
    errors: Floats
    resets: Floats | float = 0.0
    slow: Floats | float = 0.0

    @property
    def responses(self) -> Floats:
        """Those that a target answered: only they have a response time."""
        return self.requests - self.resets

    @property
    def failed(self) -> Floats:
        return self.errors + self.resets


class Traffic:
    """Draws both colours' minutes of a number of releases."""

    def __init__(self, profile: Profile, fault: Fault, exposure: Exposure, compression: float) -> None:
        self._profile = profile
        self._fault = fault
        self._exposure = exposure
        self._compression = compression
        self._rates = np.array(profile.requests_per_s)

    def rates(self, chance: np.random.Generator, releases: int) -> Floats:
        """Requests per second in each minute; a release begins at any time of the day."""
        if len(self._rates) == 1:
            return np.full((1, 1), self._rates[0])
        begins = chance.uniform(0, _HOUR_S * len(self._rates), releases)
        at = (
            begins
            + MINUTE_S * np.arange(-self._exposure.lead, self._exposure.minutes - self._exposure.lead)[:, np.newaxis]
        )
        return self._rates[(at // _HOUR_S).astype(np.int64) % len(self._rates)]

    def green(self, chance: np.random.Generator, moments: NDArray[np.int64], rates: Floats) -> Side:
        """Green's minutes, of releases whose minutes begin at these moments of the exposure."""
        fault, per_s = self._fault, rates / self._compression
        usual = per_s * np.take(self._exposure.green, moments, axis=1)
        concerned = self._concerned(chance, moments, rates, per_s)
        if concerned is None:
            return self._side(chance, usual)
        concerned = np.minimum(concerned, usual)
        reset = fault.resets * concerned
        background = self._profile.error_rate
        wrong = (1 - background) * fault.errors * (concerned - reset)
        answered = usual - reset
        slowed = (concerned - reset) if fault.slowdown != 1 or fault.delay_s else np.zeros(())
        with np.errstate(invalid="ignore", divide="ignore"):
            slow = np.where(slowed > 0, slowed / answered, 0.0)
        return self._side(chance, answered, wrong=wrong, reset=reset, slow=slow)

    def blue(self, chance: np.random.Generator, moments: NDArray[np.int64], rates: Floats) -> Side:
        """Blue's minutes: everything that green does not get, without the fault."""
        return self._side(
            chance, rates / self._compression * (MINUTE_S - np.take(self._exposure.green, moments, axis=1))
        )

    def _concerned(
        self, chance: np.random.Generator, moments: NDArray[np.int64], rates: Floats, per_s: Floats
    ) -> Floats | None:
        """The mean number of requests that the fault concerns; None when it concerns none."""
        fault = self._fault
        if not (fault.errors or fault.resets or fault.slowdown != 1 or fault.delay_s):
            return None
        seconds = sum(
            np.where(rates * weight > fault.above_rps, np.take(table, moments, axis=1), 0.0)
            if fault.above_rps
            else np.take(table, moments, axis=1)
            for weight, table in self._exposure.concerned
        )
        concerned = np.asarray(fault.share * per_s * seconds)
        return concerned * chance.gamma(_BURST_SHAPE, 1 / _BURST_SHAPE, concerned.shape) if fault.bursty else concerned

    def _side(
        self,
        chance: np.random.Generator,
        answered: Floats,
        *,
        wrong: Floats | None = None,
        reset: Floats | None = None,
        slow: Floats | float = 0.0,
    ) -> Side:
        """Counts with these means: requests that a target answers, those of them that the fault makes errors, and those that it resets.

        With a dispersion D the number of a minute's requests has a variance of D times the mean, and that of its background errors one of its own;
        the fault takes its share of whatever comes.
        """
        dispersion, background = self._profile.dispersion, self._profile.error_rate
        good = (1 - background) * answered
        by_chance = background * answered
        if dispersion > 1:
            busy = chance.standard_gamma(answered / (dispersion - 1)) * (dispersion - 1)
            with np.errstate(invalid="ignore", divide="ignore"):
                factor = np.where(answered > 0, busy / answered, 0.0)
            good = good * factor
            wrong = None if wrong is None else wrong * factor
            reset = None if reset is None else reset * factor
        if (bursty := self._profile.dispersion_of_errors) > 1:
            by_chance = chance.standard_gamma(by_chance / (bursty - 1)) * (bursty - 1)
        errors = chance.poisson(by_chance).astype(float) if background else np.zeros(answered.shape)
        if wrong is not None and self._fault.errors:
            errors += chance.poisson(wrong)
            good = np.maximum(good - wrong, 0)
        resets = chance.poisson(reset).astype(float) if reset is not None and self._fault.resets else 0.0
        return Side(requests=chance.poisson(good) + errors + resets, errors=errors, resets=resets, slow=slow)
