"""When green gets traffic, and when the fault concerns it: seconds of each of CloudWatch's minutes, weighted with green's share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.simulation.unknowns import Between

Floats = NDArray[np.float64]
MINUTE_S = 60.0
# So finely is the moment at which a minute of CloudWatch's begins divided: a quarter of a second.
_LEVELS = 240


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """What stands in the plan, per minute and per moment at which the minutes begin.

    Attributes:
        begins: Seconds of the first minute that have passed when green gets its first traffic; one for each column of the tables.
        lead: Minutes before that one.
        minutes: All minutes.
        green: Minutes x moments: seconds, weighted with green's share.
        concerned: (green's share, table): the part of it in which the fault may concern that share; more than one only where the rate decides.
        active: Minutes x moments: whether the fault is there at some time in the minute.
    """

    begins: Floats
    lead: int
    minutes: int
    green: Floats
    concerned: tuple[tuple[float, Floats], ...]
    active: NDArray[np.bool_]


def exposure(shift: Shift, fault: Fault, begins: Between, *, lead: int) -> Exposure:
    """The tables for a shift and a fault.

    Args:
        shift: Traffic steps and bake.
        fault: When it begins and ends, and above which rate.
        begins: Where in a minute the first traffic moves.
        lead: Minutes to look at before it.
    """
    levels = _LEVELS if begins.low < begins.high else 1
    moments = begins.low + (begins.high - begins.low) * (np.arange(levels) + 0.5) / levels
    end_s = shift.duration_s + shift.bake_s
    minutes = lead + math.ceil(end_s / MINUTE_S) + 1
    edges = MINUTE_S * np.arange(-lead, minutes - lead + 1)[:, np.newaxis] - moments
    spans = [
        (step.at_s, later, step.green_weight / 100)
        for step, later in zip(shift.steps, [*(step.at_s for step in shift.steps[1:]), end_s], strict=True)
    ]
    cut = [(max(start, fault.after_s), min(end, fault.until_s), weight) for start, end, weight in spans]
    weights = sorted({weight for _, _, weight in spans}) if fault.above_rps else [0.0]
    return Exposure(
        begins=moments,
        lead=lead,
        minutes=minutes,
        green=_seconds(spans, edges),
        concerned=tuple(
            (weight, _seconds([span for span in cut if not fault.above_rps or span[2] == weight], edges))
            for weight in weights
        ),
        active=(edges[1:] > fault.after_s) & (edges[:-1] < fault.until_s),
    )


def _seconds(spans: Sequence[tuple[float, float, float]], edges: Floats) -> Floats:
    """Weighted seconds of the spans (from, to, weight) between each edge and the next."""
    total = np.zeros_like(edges)
    for start, end, weight in spans:
        total += weight * np.clip(edges - start, 0, max(0.0, end - start))
    return np.diff(total, axis=0)
