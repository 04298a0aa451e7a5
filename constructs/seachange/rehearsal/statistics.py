"""What a measured difference is worth: how much chance alone makes of one build in both groups, and how sure a row of successes is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Latencies hang together: a stall holds up all requests of its moment, of both groups. So chance is drawn for slices of time as a whole.
SLICE_S = 0.25
PERCENTILES = (50, 99)
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
        interval_s: What chance alone makes of one build in both groups.
    """

    name: str
    percentile: int
    difference_s: float
    interval_s: tuple[float, float]
    decidable: bool


def compared(first: Samples, second: Samples, *, seed: int = 0) -> AA:
    """Compares two groups that ran the same build at the same time.

    If they are alike, each slice of time could as well have the groups exchanged: so many random exchanges show what differences chance makes
    (a permutation test, exact whatever the latencies' distribution).

    Args:
        first, second: At least one request of each group.
        seed: The same seed gives the same answer; 0 by default.
    """
    times, latency, is_second = _joined(first, second)
    start, end = float(times.min()), float(times.max())
    slices = ((times - start) / SLICE_S).astype(int)
    random = np.random.default_rng(seed)
    flips = random.random((_DRAWS, int(slices.max()) + 1)) < 0.5
    order = np.argsort(latency, kind="stable")
    sorted_latency, members = latency[order], is_second[order]
    drawn = members[None, :] ^ flips[:, slices[order]]
    difference, interval, passed = {}, {}, True
    for percentile in PERCENTILES:
        chance = _difference(sorted_latency, drawn, percentile)
        found = float(_difference(sorted_latency, members[None, :], percentile)[0])
        low, high = np.percentile(chance, _INTERVAL)
        lowest, highest = np.percentile(chance, _PASSES)
        difference[percentile], interval[percentile] = found, (float(low), float(high))
        passed = passed and bool(lowest <= found <= highest)
    return AA(duration_s=end - start, difference_s=difference, interval_s=interval, passed=passed)


def claims(name: str, before: Sequence[float], after: Sequence[float], aa: AA) -> list[Claim]:
    """What is claimed of latency, for each percentile; nothing where one side has no request.

    Args:
        before, after: Latencies in seconds.
        aa: What chance makes here: a difference within its interval, or any after a failed A/A phase, cannot be told from chance.
    """
    if not before or not after:
        return []
    found = []
    for percentile in PERCENTILES:
        difference = _percentile(after, percentile) - _percentile(before, percentile)
        low, high = aa.interval_s[percentile]
        found.append(
            Claim(
                name=name,
                percentile=percentile,
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


def _joined(first: Samples, second: Samples) -> tuple[Array, Array, Array]:
    pairs = np.array([*first, *second], dtype=float)
    is_second = np.arange(len(pairs)) >= len(first)
    return pairs[:, 0], pairs[:, 1], is_second


def _difference(latency: Array, is_second: Array, percentile: int) -> Array:
    """For each row of memberships of the sorted latencies: the second group's percentile less the first's (nearest rank)."""
    difference: Array = _ranked(latency, is_second, percentile) - _ranked(latency, ~is_second, percentile)
    return difference


def _ranked(latency: Array, is_member: Array, percentile: int) -> Array:
    counts = is_member.cumsum(axis=1)
    rank = np.maximum(1, np.ceil(percentile / 100 * counts[:, -1]))
    found: Array = latency[(counts >= rank[:, None]).argmax(axis=1)]
    return found


def _percentile(samples: Sequence[float], percentile: int) -> float:
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(percentile / 100 * len(ordered)) - 1)]
