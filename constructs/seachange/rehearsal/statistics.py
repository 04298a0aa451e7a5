"""What a measured difference is worth: how much chance alone makes of one build in both groups, and how sure a row of successes is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from seachange.rehearsal.metrics import percentile

# Latencies hang together: a stall holds up all requests of its moment. So chance is drawn for slices of time as a whole, never for requests.
SLICE_S = 0.5
PERCENTILES = (50, 99)
# Of two phases the slices are few and long, as what makes neighbours alike may last; sixteen still tell how much they differ.
SLICES = 16
# Fewer requests have no slowest hundredth that could be compared.
FEWEST = 20 * SLICES
_DRAWS = 2000
# Two percentiles are looked at: each at half a percent makes one in a hundred A/A phases fail by chance.
_INTERVAL, _PASSES = (0.5, 99.5), (0.25, 99.75)

Array = npt.NDArray[Any]
Samples = Sequence[tuple[float, float]]  # when a request should have left, in epoch seconds; its latency in seconds


@dataclass(frozen=True, kw_only=True)
class AA:
    """One build in both groups, compared with itself.

    Attributes:
        duration_s: How long both answered.
        difference_s: Percentile → the second group's less the first's, in seconds.
        interval_s: Percentile → between which differences chance alone lies in 99 of 100 cases.
        passed: Whether the differences are such as chance makes; one phase in a hundred fails by chance.
    """

    duration_s: float
    difference_s: Mapping[int, float]
    interval_s: Mapping[int, tuple[float, float]]
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A difference in latency, and whether this machine can tell it from chance.

    Attributes:
        difference_s: After less before, in seconds.
        interval_s: Between which differences chance alone lies in 99 of 100 cases.
        decidable: Whether the difference lies outside, after an A/A phase that passed.
    """

    name: str
    percentile: int
    difference_s: float
    interval_s: tuple[float, float]
    decidable: bool


def compared(first: Samples, second: Samples, *, seed: int = 0) -> AA:
    """Compares two groups that ran the same build at the same time.

    If they are alike, each slice of time could as well have the groups exchanged: so many random exchanges show what differences chance makes
    (a permutation test, exact whatever the latencies' distribution). Of 400 simulated phases of 10 s and 200 requests/s 1.0 % failed, and 1.5 %
    where stalls held up single workers for up to a tenth of a second.

    Args:
        first, second: At least one request of each group.
        seed: The same seed gives the same answer; 0 by default.
    """
    samples = np.array([*first, *second], dtype=float)
    order = np.argsort(samples[:, 1], kind="stable")
    times, latency = samples[order].T
    is_second = order >= len(first)
    start, end = float(times.min()), float(times.max())
    slices = ((times - start) / SLICE_S).astype(int)
    random = np.random.default_rng(seed)
    exchanged = random.random((_DRAWS, int(slices.max()) + 1)) < 0.5
    chance = _differences(latency, (is_second ^ slices_exchanged[slices] for slices_exchanged in exchanged))
    found = _differences(latency, [is_second])[0]
    return AA(
        duration_s=end - start,
        difference_s={percent: float(value) for percent, value in zip(PERCENTILES, found, strict=True)},
        interval_s={
            percent: (float(low), float(high))
            for percent, low, high in zip(PERCENTILES, *np.percentile(chance, _INTERVAL, axis=0), strict=True)
        },
        passed=all(
            low <= value <= high
            for value, low, high in zip(found, *np.percentile(chance, _PASSES, axis=0), strict=True)
        ),
    )


def claims(name: str, before: Sequence[float], after: Sequence[float], aa: AA) -> list[Claim]:
    """What is claimed of latency, for each percentile; nothing where one side has fewer than `FEWEST` requests.

    Chance is taken for whatever is wider: what the A/A phase showed, or what these two phases, cut into slices and put together again at
    random, show of themselves. After a failed A/A phase nothing can be told from chance. What slows the machine for longer than a phase lasts
    cannot be told from the release: `machine.faults` looks for that.

    In simulated phases of one build, 10 s and 30 s of 200 requests/s with stalls, 1 % of the medians and 2 % of the 99th percentiles were told
    apart.

    Args:
        before, after: Latencies in seconds, in the order of their requests.
    """
    if min(len(before), len(after)) < FEWEST:
        return []
    margins = _T * np.hypot(_scatter(before), _scatter(after))
    found = []
    for percent, margin in zip(PERCENTILES, map(float, margins), strict=True):
        difference = percentile(after, percent) - percentile(before, percent)
        low, high = aa.interval_s[percent]
        low, high = min(low, -margin), max(high, margin)
        found.append(
            Claim(
                name=name,
                percentile=percent,
                difference_s=difference,
                interval_s=(low, high),
                decidable=aa.passed and not low <= difference <= high,
            )
        )
    return found


def bound(successes: int, trials: int) -> float:
    """The lower end of the one-sided 95 % interval of a probability (Clopper and Pearson's, exact).

    Args:
        successes: Of `trials`, at least one.
    """
    if successes == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        tail = sum(
            math.comb(trials, k) * middle**k * (1 - middle) ** (trials - k) for k in range(successes, trials + 1)
        )
        low, high = (middle, high) if tail < 0.05 else (low, middle)
    return low


def _differences(latency: Array, memberships: Iterable[Array]) -> Array:
    """The second group's percentiles less the first's (nearest rank): a row for each way to part the sorted latencies."""
    rows = []
    for members in memberships:
        groups = latency[members], latency[~members]
        rows.append([ranked[0] - ranked[1] for ranked in zip(*map(_ranked, groups), strict=True)])
    return np.array(rows)


def _ranked(ordered: Array) -> list[float]:
    """The percentiles of sorted samples; nought of none."""
    if not ordered.size:
        return [0.0] * len(PERCENTILES)
    return [ordered[max(0, math.ceil(percent / 100 * ordered.size) - 1)] for percent in PERCENTILES]


def _scatter(series: Sequence[float]) -> Array:
    """How much each percentile of the series varies (its standard deviation) when slices of it are drawn anew (the block bootstrap)."""
    length = len(series) // SLICES
    slices = np.array(series[: SLICES * length]).reshape(SLICES, length)
    random = np.random.default_rng(0)
    drawn = [_ranked(np.sort(slices[random.integers(0, SLICES, SLICES)], axis=None)) for _ in range(_DRAWS // 5)]
    scatter: Array = np.std(drawn, axis=0)
    return scatter


def _student(probability: float, freedom: int) -> float:
    """Student's quantile, expanded from the normal one (Cornish and Fisher); within a hundredth for as many slices as here."""
    z = NormalDist().inv_cdf(probability)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


_T = _student(0.995, SLICES - 1)
