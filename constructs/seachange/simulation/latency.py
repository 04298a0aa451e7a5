"""Statistics of the response times of one minute, drawn without drawing each response.

Response times are lognormal; a share of them may be slower by a factor and a constant. The k-th of n is the distribution's quantile at a
Beta(k, n - k + 1), and the next of the same sample lies above it in the same way.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from seachange.plan.faults import Fault
from seachange.simulation.profile import Profile

Floats = NDArray[np.float64]
# Shares of slow responses between none and the most are rounded to so many.
_SHARES = 64
# A spread of 0 would make steps that no interpolation follows.
_LEAST_SIGMA = 1e-3
_DEVIATES = np.linspace(-8.5, 8.5, 1701)
_BELOW = np.array([math.erfc(-z / math.sqrt(2)) / 2 for z in _DEVIATES])


class Latency:
    """The response times of a profile, of which a fault makes a share slower."""

    def __init__(self, profile: Profile, fault: Fault) -> None:
        sigma = max(profile.latency_sigma, _LEAST_SIGMA)
        usual = profile.latency_median_s * np.exp(sigma * _DEVIATES)
        slow = fault.slowdown * usual + fault.delay_s
        self._times = np.sort(np.concatenate([usual, slow]))
        self._usual = np.interp(self._times, usual, _BELOW)
        self._slow = np.interp(self._times, slow, _BELOW)
        mean = profile.latency_median_s * math.exp(sigma**2 / 2)
        square = profile.latency_median_s**2 * math.exp(2 * sigma**2)
        self._moments = (mean, square)
        self._slow_moments = (
            fault.slowdown * mean + fault.delay_s,
            fault.slowdown**2 * square + 2 * fault.slowdown * fault.delay_s * mean + fault.delay_s**2,
        )

    def percentiles(
        self, chance: np.random.Generator, counts: Floats, slow: Floats | float, percents: Iterable[float]
    ) -> dict[float, Floats]:
        """Nearest-rank percentiles of the same samples; 0 is the least, 100 the greatest; NaN where there is no response.

        Args:
            chance: Draws.
            counts: Responses in each minute.
            slow: The share of them that is slow.
            percents: Which percentiles.
        """
        found, below, rank = {}, np.zeros_like(counts), np.zeros_like(counts)
        for percent in sorted(percents):
            wanted = np.clip(np.ceil(percent / 100 * counts), 1, None)
            step = wanted - rank
            # Above the last one found the rest of the sample is spread as a whole one is.
            further = chance.beta(np.maximum(step, 1), np.maximum(counts - wanted + 1, 1))
            below = np.where(step > 0, below + (1 - below) * further, below)
            rank = wanted
            found[percent] = np.where(counts > 0, self._quantile(below, slow), np.nan)
        return found

    def averages(self, chance: np.random.Generator, counts: Floats, slow: Floats | float) -> Floats:
        """Means of each minute's responses: of gamma distributions with the right mean and variance; NaN where there is no response."""
        mean, square = (
            usual + slow * (slower - usual) for usual, slower in zip(self._moments, self._slow_moments, strict=True)
        )
        spread = square - mean**2
        shape = np.maximum(counts, 1) * mean**2 / np.maximum(spread, 1e-12 * mean**2)
        return np.where(counts > 0, chance.standard_gamma(shape) * mean / shape, np.nan)

    def _quantile(self, below: Floats, slow: Floats | float) -> Floats:
        most = float(np.max(slow, initial=0.0))
        if most == 0:
            return np.asarray(np.interp(below, self._usual, self._times))
        result = np.empty_like(below)
        level = np.broadcast_to(np.rint(np.asarray(slow) / most * _SHARES).astype(np.int64), below.shape)
        for one in np.unique(level):
            share = most * one / _SHARES
            chosen = level == one
            result[chosen] = np.interp(below[chosen], (1 - share) * self._usual + share * self._slow, self._times)
        return result
