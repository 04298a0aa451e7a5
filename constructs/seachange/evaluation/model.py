"""Alarms and metrics as pure data."""

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Point = float | None
# The number of points that CloudWatch retrieves beyond N is unpublished; every documented example takes two.
EXTRA_POINTS = 2

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: what CloudWatch would be asked for.

    Attributes:
        dimensions: Name → the value as canonical template text.
        statistic: `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, or a percentile such as `p99`.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm on one metric or on one metric-math expression.

    Attributes:
        metrics: Id → metric; an alarm on a plain metric has the single id `m`.
        expression: What is compared with the threshold, over the ids of `metrics`.
        period_s: The period in seconds.
        ignores_low_samples: Whether a percentile of too few samples (see `fewest_samples`) leaves the state as it is.
    """

    name: str
    metrics: Mapping[str, Metric]
    expression: str
    period_s: int
    threshold: float
    comparison: str
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str
    ignores_low_samples: bool = False


def fewest_samples(statistic: str) -> float:
    """Of how many samples a percentile is a statistic: 10 / (1 - p), so 1,000 for p99; 0 for what is no percentile."""
    if not statistic.startswith("p"):
        return 0
    above = 100 - float(statistic[1:])
    return round(1000 / above, 6) if above > 0 else math.inf
