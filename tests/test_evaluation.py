"""CloudWatch's rules: metric math on one point, M of N, missing data."""

import pytest

from seachange.evaluation import Alarm, ExpressionError, State, state, value

RATE = "IF(requests >= 50, 100 * errors / requests, 0)"


@pytest.mark.parametrize(
    ("expression", "points", "expected"),
    [
        ("m", {"m": 3.0}, 3.0),
        ("m", {"m": None}, None),
        (RATE, {"requests": 100.0, "errors": 5.0}, 5.0),
        (RATE, {"requests": 49.0, "errors": 5.0}, 0.0),
        # Arithmetic takes a missing value for 0.
        (RATE, {"requests": 100.0, "errors": None}, 0.0),
        # IF draws no point when its condition has none.
        (RATE, {"requests": None, "errors": None}, None),
        (RATE, {"requests": None, "errors": 5.0}, None),
        ("IF(FILL(requests, 0) >= 50, 1, 0)", {"requests": None}, 0.0),
        # A division by zero draws no point.
        ("errors / requests", {"requests": 0.0, "errors": 5.0}, None),
        ("IF(a > 1 AND b > 1, 1, 0)", {"a": 2.0, "b": 1.0}, 0.0),
        ("IF(a > 1 || b > 1, 1, 0)", {"a": 2.0, "b": 1.0}, 1.0),
        ("-a + b ** 2", {"a": 2.0, "b": 3.0}, 7.0),
    ],
)
def test_metric_math(expression: str, points: dict[str, float | None], expected: float | None) -> None:
    assert value(expression, points) == expected


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum', 60)", "m[0]", "__import__('os')", "m +"])
def test_what_is_not_evaluated_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError, match="metric math"):
        value(expression, {"m": 1.0})


def alarm(periods: int, datapoints: int, missing: str = "missing", comparison: str = "GreaterThanThreshold") -> Alarm:
    return Alarm(
        name="a",
        metrics={},
        expression="m",
        period_s=60,
        threshold=1,
        comparison=comparison,
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        missing_data=missing,
    )


def points(text: str) -> list[float | None]:
    """X breaches, 0 does not, - is missing."""
    return [{"X": 2.0, "0": 0.0, "-": None}[mark] for mark in text]


@pytest.mark.parametrize(
    ("text", "periods", "datapoints", "missing", "expected"),
    [
        ("XX", 2, 2, "missing", "ALARM"),
        ("X0", 2, 2, "missing", "OK"),
        ("X0X", 3, 2, "missing", "ALARM"),
        ("XX0000", 3, 2, "missing", "OK"),
        # The documentation's own example: consecutive is not consecutive on a sparse metric.
        ("0XX-X", 3, 3, "notBreaching", "ALARM"),
        ("-----", 3, 3, "missing", "INSUFFICIENT_DATA"),
        ("-----", 3, 3, "breaching", "ALARM"),
        ("-----", 3, 3, "notBreaching", "OK"),
        ("----X", 3, 3, "breaching", "ALARM"),
        ("----X", 3, 3, "notBreaching", "OK"),
        ("----0", 1, 1, "missing", "OK"),
    ],
)
def test_state(text: str, periods: int, datapoints: int, missing: str, expected: State) -> None:
    assert state(alarm(periods, datapoints, missing), points(text)) == expected


def test_missing_data_that_is_ignored_keeps_the_state() -> None:
    ignoring = alarm(3, 3, "ignore")
    assert state(ignoring, points("-----"), "ALARM") == "ALARM"
    assert state(ignoring, points("----X"), "OK") == "OK"


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [("GreaterThanThreshold", "OK"), ("GreaterThanOrEqualToThreshold", "ALARM"), ("LessThanThreshold", "OK")],
)
def test_comparisons(comparison: str, expected: State) -> None:
    assert state(alarm(1, 1, comparison=comparison), [1.0]) == expected
