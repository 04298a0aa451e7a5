"""CloudWatch's alarm rules as pure functions: metric math on points, M of N, missing data, composites.

The only implementation: a rehearsal asks about one release, a simulation about many at once. Sources: the CloudWatch user guide's pages
`alarm-evaluation`, `alarms-and-missing-data` and `using-metric-math`.
"""

from seachange.evaluation.composites import Composite, Every, Is, Not, Rule, Some, holds
from seachange.evaluation.metric_math import (
    ExpressionError,
    check_expression,
    filled,
    fills,
    inlined,
    metric_ids,
    value,
)
from seachange.evaluation.model import COMPARISONS, EXTRA_POINTS, Alarm, Metric, Point, State, fewest_samples
from seachange.evaluation.states import MOST_POINTS, STATES, state, states

__all__ = [
    "COMPARISONS",
    "EXTRA_POINTS",
    "MOST_POINTS",
    "STATES",
    "Alarm",
    "Composite",
    "Every",
    "ExpressionError",
    "Is",
    "Metric",
    "Not",
    "Point",
    "Rule",
    "Some",
    "State",
    "check_expression",
    "fewest_samples",
    "filled",
    "fills",
    "holds",
    "inlined",
    "metric_ids",
    "state",
    "states",
    "value",
]
