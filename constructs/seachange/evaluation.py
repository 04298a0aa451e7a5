"""CloudWatch's alarm rules as pure functions: metric math on points, M of N, missing data.

Sources: the CloudWatch user guide's pages `alarm-evaluation`, `alarms-and-missing-data` and `using-metric-math`. The number of points that CloudWatch
retrieves beyond N is unpublished; every documented example takes two.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from seachange.errors import SeaChangeError

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
Point = float | None
EXTRA_POINTS = 2


class ExpressionError(SeaChangeError):
    """A metric-math expression beyond what we evaluate."""


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


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_RELATIONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def value(expression: str, points: Mapping[str, Point]) -> Point:
    """The expression's value at one point in time; None where CloudWatch would draw no point.

    Args:
        expression: Arithmetic, comparisons, AND/OR, IF and FILL over metric ids.
        points: Id → value, None when the metric has no data in this period.

    Raises:
        ExpressionError: The expression uses something else.
    """
    tree = _parse(expression)
    result = _evaluate(tree.body, points, expression)
    # Arithmetic on nothing but missing data is no 0: without any point there is no point.
    nothing = all(points.get(name) is None for name in _names(tree))
    return None if nothing and "FILL" not in expression else result


def metric_ids(expression: str) -> set[str]:
    """The metric ids that an expression uses."""
    return set(_names(_parse(expression)))


# One alarm asks for the same expression at every period.
@lru_cache(maxsize=256)
def _parse(expression: str) -> ast.Expression:
    """Metric math as a Python expression, which it is but for its logical operators and its power."""
    spelled = expression.replace("&&", " and ").replace("||", " or ").replace(" AND ", " and ").replace(" OR ", " or ")
    spelled = spelled.replace("^", "**")
    try:
        return ast.parse(spelled.strip(), mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"metric math cannot be read: {expression}") from error


def _names(tree: ast.AST) -> list[str]:
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions]


def _evaluate(node: ast.expr, points: Mapping[str, Point], expression: str) -> Point:
    def go(inner: ast.expr) -> Point:
        return _evaluate(inner, points, expression)

    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in points:
            return points[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = go(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            # Arithmetic takes a missing value for 0, and a division by 0 draws no point.
            try:
                return _ARITHMETIC[type(op)](go(left) or 0.0, go(right) or 0.0)
            except ZeroDivisionError:
                return None
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _RELATIONS:
            # Of two metrics the missing one counts as 0; a number does not bring a missing metric into being.
            measured = [go(side) for side in (left, right) if _names(side)]
            if measured and all(found is None for found in measured):
                return None
            return float(_RELATIONS[type(op)](go(left) or 0.0, go(right) or 0.0))
        case ast.BoolOp(op=op, values=operands):
            truths = [go(operand) for operand in operands]
            if all(truth is None for truth in truths):
                return None
            return float(all(truths) if isinstance(op, ast.And) else any(truths))
        case ast.Call(func=ast.Name(id="FILL"), args=[inner, ast.Constant(value=int() | float() as filler)]):
            filled = go(inner)
            return float(filler) if filled is None else filled
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            truth = go(condition)
            # A missing value is 0 where the condition holds, and no point where it does not.
            return None if truth is None else (go(then) or 0.0) if truth else go(otherwise)
    raise ExpressionError(
        f"metric math beyond arithmetic, comparisons, AND, OR, IF and FILL is not evaluated: {expression}"
    )


def fewest_samples(statistic: str) -> float:
    """Of how many samples a percentile is a statistic: 10 / (1 - p), so 1,000 for p99; 0 for what is no percentile."""
    if not statistic.startswith("p"):
        return 0
    return round(1000 / (100 - float(statistic[1:])), 6)


def state(alarm: Alarm, points: Sequence[Point], before: State = "INSUFFICIENT_DATA") -> State:
    """The alarm's state after the newest of `points`.

    Args:
        alarm: The alarm.
        points: Values of its expression, oldest first, one per period; None for a period without data.
        before: Its state until now, kept where the points do not decide.
    """
    retrieved = points[-(alarm.evaluation_periods + EXTRA_POINTS) :]
    breaches = COMPARISONS[alarm.comparison]
    real = [breaches(point, alarm.threshold) for point in retrieved if point is not None]
    if not real:
        without_data: dict[str, State] = {"ignore": before, "breaching": "ALARM", "notBreaching": "OK"}
        return without_data.get(alarm.missing_data, "INSUFFICIENT_DATA")
    considered = real[-alarm.evaluation_periods :]
    filler = alarm.evaluation_periods - len(considered) if alarm.missing_data == "breaching" else 0
    if sum(considered) + filler >= alarm.datapoints_to_alarm:
        return "ALARM"
    decided = len(considered) == alarm.evaluation_periods or alarm.missing_data in {"breaching", "notBreaching"}
    if decided or not all(real):
        return "OK"
    if alarm.missing_data == "ignore":
        return before
    # Too few points, and all of them breach: `missing` waits until the oldest is old enough ("premature transitions").
    oldest = len(retrieved) - next(index for index, point in enumerate(retrieved) if point is not None)
    return "ALARM" if oldest >= alarm.datapoints_to_alarm else "INSUFFICIENT_DATA"
