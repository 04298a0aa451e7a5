"""Metric math at points in time: one point, or many releases' and minutes' at once.

Missing data is None for one point and NaN in arrays. Every part of an expression is a series of its own: where none of its metrics has a point, it
has none either. Source: the CloudWatch user guide's page `using-metric-math`.
"""

import ast
from collections.abc import Callable, Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any, overload

from seachange.errors import SeaChangeError
from seachange.evaluation.model import Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

# Names of numpy's functions: what only reads alarms, and needs no value, shall not need numpy.
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}


class ExpressionError(SeaChangeError):
    """A metric-math expression beyond what we evaluate."""


@overload
def value(expression: str, points: Mapping[str, Point]) -> Point: ...
@overload
def value(expression: str, points: "Mapping[str, Points]") -> "Points": ...
def value(expression: str, points: "Mapping[str, Point] | Mapping[str, Points]") -> "Point | Points":
    """The expression's value; None, or NaN in arrays, where CloudWatch would draw no point.

    Args:
        expression: Arithmetic, comparisons, AND/OR, IF and FILL over metric ids.
        points: Id → value at one point in time, None when the metric has no data in this period; or arrays that broadcast.

    Raises:
        ExpressionError: The expression uses something else.
    """
    import numpy as np

    if not metric_ids(expression) <= points.keys():
        raise ExpressionError(f"metric math over a metric that is not there is not evaluated: {expression}")
    arrays = {name: np.asarray(np.nan if point is None else point, float) for name, point in points.items()}
    with np.errstate(all="ignore"):
        result = np.asarray(_compiled(expression)(arrays), float)
    if any(isinstance(point, np.ndarray) for point in points.values()):
        return result
    return None if np.isnan(result) else float(result)


def check_expression(expression: str) -> None:
    """Refuses, with ExpressionError, what `value` does not evaluate."""
    _compiled(expression)


@lru_cache(maxsize=256)
def metric_ids(expression: str) -> frozenset[str]:
    """The metric ids that an expression uses."""
    return _names(_parse(expression))


def fills(expression: str) -> bool:
    """Whether an expression may have a value where no metric has a point."""
    return any(isinstance(node, ast.Call) and _function(node) == "FILL" for node in ast.walk(_parse(expression)))


def inlined(expression: str, others: Mapping[str, str]) -> str:
    """The expression with the ids of others replaced by what they stand for, theirs too; ExpressionError when they go in a circle."""
    return (
        ast.unparse(_replaced(_parse(expression), others, ())) if metric_ids(expression) & others.keys() else expression
    )


def filled(expression: str, ids: Set[str]) -> str:
    """The expression with FILL(id, 0) in the place of these ids, where they are not filled already."""

    class Fill(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            if _function(node) == "FILL" and isinstance(node.args[0], ast.Name):
                return node
            return ast.Call(func=node.func, args=[self.visit(argument) for argument in node.args], keywords=[])

        def visit_Name(self, node: ast.Name) -> ast.expr:
            return _parse(f"FILL({node.id}, 0)") if node.id in ids else node

    # A transformer changes what it is given, and parsed expressions are kept.
    tree = ast.parse(ast.unparse(_parse(expression)), mode="eval")
    return ast.unparse(Fill().visit(tree)).replace(" and ", " AND ").replace(" or ", " OR ").replace("**", "^")


def _replaced(tree: ast.expr, others: Mapping[str, str], within: tuple[str, ...]) -> ast.expr:
    class Replace(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.Call:
            return ast.Call(func=node.func, args=[self.visit(argument) for argument in node.args], keywords=[])

        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id in within:
                raise ExpressionError(f"metric math in a circle: {' needs '.join((*within, node.id))}")
            return _replaced(_parse(others[node.id]), others, (*within, node.id)) if node.id in others else node

    # A transformer changes what it is given, and parsed expressions are kept.
    found: ast.expr = Replace().visit(ast.parse(ast.unparse(tree), mode="eval").body)
    return found


# One alarm asks for the same expression at every period.
@lru_cache(maxsize=256)
def _parse(expression: str) -> ast.expr:
    """Metric math as a Python expression, which it is but for its logical operators and its power."""
    spelled = expression.replace("&&", " and ").replace("||", " or ").replace(" AND ", " and ").replace(" OR ", " or ")
    spelled = spelled.replace("^", "**")
    try:
        return ast.parse(spelled.strip(), mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"metric math cannot be read: {expression}") from error


def _names(tree: ast.AST) -> frozenset[str]:
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in functions)


def _function(node: ast.Call) -> str | None:
    return node.func.id if isinstance(node.func, ast.Name) else None


# A function of the points, by metric id; it needs numpy only when it is called.
_Evaluator = Callable[[Mapping[str, Any]], Any]


@lru_cache(maxsize=256)
def _compiled(expression: str) -> _Evaluator:
    evaluator = _compile(_parse(expression))
    if evaluator is None:
        raise ExpressionError(
            f"metric math beyond arithmetic, comparisons, AND, OR, IF and FILL is not evaluated: {expression}"
        )
    return evaluator


def _compile(node: ast.expr) -> _Evaluator | None:
    """What evaluates a part of an expression; None when we do not."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return lambda _: float(number)
        case ast.Name(id=name):
            return lambda points: points[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _series(_negative, operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _series(_numpy(_ARITHMETIC[type(op)]), left, right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _RELATIONS:
            return _series(_numpy(_RELATIONS[type(op)]), left, right)
        case ast.BoolOp(op=op, values=operands):
            return _series(_numpy("logical_and" if isinstance(op, ast.And) else "logical_or"), *operands)
        case ast.Call(args=[condition, then, otherwise]) if _function(node) == "IF":
            return _series(_chosen, condition, then, otherwise)
        case ast.Call(args=[inner, ast.Constant(value=int() | float() as filler)]) if _function(node) == "FILL":
            filled = _compile(inner)
            return None if filled is None else lambda points: _filled(filled(points), float(filler))
    return None


def _series(function: Callable[..., Any], *operands: ast.expr) -> _Evaluator | None:
    """A function of operands, which has no point where none of them has one: a number does not bring a missing metric into being."""
    evaluators = [evaluator for operand in operands if (evaluator := _compile(operand))]
    if len(evaluators) < len(operands):
        return None
    measured = [place for place, operand in enumerate(operands) if _names(operand)]

    def evaluate(points: Mapping[str, Any]) -> Any:
        import numpy as np

        values = [evaluator(points) for evaluator in evaluators]
        result = function(*values)
        nothing = ~np.isfinite(result)
        if measured:
            missing = np.isnan(values[measured[0]])
            for place in measured[1:]:
                missing = missing & np.isnan(values[place])
            nothing = nothing | missing
        return np.where(nothing, np.nan, result)

    return evaluate


def _negative(operand: Any) -> Any:
    return -operand


def _numpy(name: str) -> Callable[..., Any]:
    """Takes a missing value for 0, which is false; a division by 0 is no number, hence no point."""

    def apply(first: Any, *others: Any) -> Any:
        import numpy as np

        result = _or_zero(first)
        for operand in others:
            result = getattr(np, name)(result, _or_zero(operand))
        return result

    return apply


def _chosen(condition: Any, then: Any, otherwise: Any) -> Any:
    """A missing value is 0 where the condition holds, and no point where it does not."""
    import numpy as np

    chosen = np.where(_or_zero(condition) != 0, _or_zero(then), otherwise)
    return np.where(np.isnan(condition), np.nan, chosen)


def _filled(inner: Any, filler: float) -> Any:
    import numpy as np

    return np.where(np.isnan(inner), filler, inner)


def _or_zero(operand: Any) -> Any:
    return _filled(operand, 0.0)
