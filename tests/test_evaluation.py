"""CloudWatch's rules: metric math, M of N, missing data; on one series and on many at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seachange.evaluation import (
    COMPARISONS,
    STATES,
    Alarm,
    ExpressionError,
    State,
    fewest_samples,
    fills,
    metric_ids,
    state,
    states,
    value,
)

RATE = "IF(requests >= 50, 100 * errors / requests, 0)"


@pytest.mark.parametrize(
    ("expression", "points", "expected"),
    [
        ("m", {"m": 3.0}, 3.0),
        ("m", {"m": None}, None),
        (RATE, {"requests": 100.0, "errors": 5.0}, 5.0),
        (RATE, {"requests": 49.0, "errors": 5.0}, 0.0),
        (RATE, {"requests": 50.0, "errors": 5.0}, 10.0),
        # Arithmetic takes a missing value for 0.
        (RATE, {"requests": 100.0, "errors": None}, 0.0),
        ("a + b", {"a": None, "b": 2.0}, 2.0),
        ("a - b", {"a": None, "b": 2.0}, -2.0),
        ("a * b", {"a": None, "b": 2.0}, 0.0),
        # Without any point there is no 0 to take.
        ("a + b", {"a": None, "b": None}, None),
        # IF draws no point when its condition has none.
        (RATE, {"requests": None, "errors": None}, None),
        (RATE, {"requests": None, "errors": 5.0}, None),
        ("IF(a > 1 AND b > 1, 1, 0)", {"a": None, "b": None}, None),
        # FILL gives it one, be the metric absent altogether.
        ("IF(FILL(requests, 0) >= 50, 1, 0)", {"requests": None}, 0.0),
        ("IF(FILL(a, 0) > 1 AND FILL(b, 0) > 1, 1, 0)", {"a": None, "b": 2.0}, 0.0),
        ("FILL(errors, 0)", {"errors": 3.0}, 3.0),
        ("FILL(errors, 7) + 1", {"errors": None}, 8.0),
        # A division by zero draws no point, in the branch that is taken.
        ("errors / requests", {"requests": 0.0, "errors": 5.0}, None),
        ("100 * errors / FILL(requests, 0)", {"requests": None, "errors": 5.0}, None),
        ("IF(FILL(requests, 0) >= 50, errors / FILL(requests, 0), 0)", {"requests": None, "errors": 5.0}, 0.0),
        ("IF(a > 1 AND b > 1, 1, 0)", {"a": 2.0, "b": 1.0}, 0.0),
        ("IF(a > 1 || b > 1, 1, 0)", {"a": 2.0, "b": 1.0}, 1.0),
        ("-a + b ^ 2", {"a": 2.0, "b": 3.0}, 7.0),
    ],
)
def test_metric_math(expression: str, points: dict[str, float | None], expected: float | None) -> None:
    assert value(expression, points) == expected


# The examples of the page "Using metric math", point by point; "-" is a missing one.
TRUTHS: list[float | None] = [1, 1, 0, 0, None]


@pytest.mark.parametrize(
    ("expression", "a", "b", "c", "expected"),
    [
        ("a < b", [30, 20, 0, 0], [20, None, 20, None], [], [0, 0, 1, 0]),
        ("a >= 30", [30, 20, 0, 0], [], [], [1, 0, 0, 0]),
        ("a > 15 AND b > 15", [30, 20, 0, 0], [20, None, 20, None], [], [1, 0, 0, 0]),
        ("IF(a, b, c)", TRUTHS, [30, None, 0, 0, 30], [0, 0, 20, None, 20], [30, 0, 20, None, None]),
        ("IF(a, 5, c)", TRUTHS, [], [0, 0, 20, None, 20], [5, 5, 20, None, None]),
        ("IF(a, b, 5)", TRUTHS, [30, None, 0, 0, 30], [], [30, 0, 5, 5, None]),
    ],
)
def test_the_documented_examples_of_comparisons_and_if(
    expression: str,
    a: list[float | None],
    b: list[float | None],
    c: list[float | None],
    expected: list[float | None],
) -> None:
    found = []
    for at in range(len(expected)):
        points = {name: series[at] for name, series in {"a": a, "b": b, "c": c}.items() if series}
        found.append(value(expression, points))
    assert found == expected


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum', 60)", "RATE(m)", "m[0]", "__import__('os')", "m +"])
def test_what_is_not_evaluated_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError, match="metric math"):
        value(expression, {"m": 1.0})


@pytest.mark.parametrize(
    ("statistic", "fewest"), [("p99", 1000), ("p95", 200), ("p90", 100), ("p99.9", 10_000), ("Average", 0)]
)
def test_how_many_samples_make_a_percentile(statistic: str, fewest: float) -> None:
    assert fewest_samples(statistic) == fewest


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


KEPT = "kept"
SETTINGS = ("missing", "ignore", "breaching", "notBreaching")
# The tables of the page "Configuring how CloudWatch alarms treat missing data": five points retrieved for three evaluated. The last three
# rows are of its editions before 2020.
DOCUMENTED = [
    (3, "0-X-X", ("OK", "OK", "OK", "OK")),
    (3, "0----", ("OK", "OK", "OK", "OK")),
    (3, "-----", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (3, "--X--", ("ALARM", KEPT, "ALARM", "OK")),
    (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
    (2, "----0", ("OK", "OK", "ALARM", "OK")),
    (2, "---X-", ("ALARM", KEPT, "ALARM", "OK")),
    (3, "----X", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
    (3, "X----", ("ALARM", KEPT, "ALARM", "OK")),
    (2, "----X", ("INSUFFICIENT_DATA", KEPT, "ALARM", "OK")),
]


@pytest.mark.parametrize(
    ("datapoints", "text", "missing", "expected"),
    [
        (datapoints, text, missing, expected)
        for datapoints, text, row in DOCUMENTED
        for missing, expected in zip(SETTINGS, row, strict=True)
    ],
)
@pytest.mark.parametrize("before", ["OK", "ALARM", "INSUFFICIENT_DATA"])
def test_every_documented_row_on_missing_data(
    datapoints: int, text: str, missing: str, expected: str, before: State
) -> None:
    assert state(alarm(3, datapoints, missing), points(text), before) == (before if expected == KEPT else expected)


@pytest.mark.parametrize("missing", ["missing", "ignore"])
@pytest.mark.parametrize(
    ("datapoints", "text"),
    # The page's examples of what must not go to ALARM yet: the next point may be good.
    [(3, "----X"), (3, "---X-"), (3, "---XX"), (2, "----X")],
)
def test_no_premature_alarm(missing: str, datapoints: int, text: str) -> None:
    for before in ("OK", "INSUFFICIENT_DATA"):
        assert state(alarm(3, datapoints, missing), points(text), before) != "ALARM"


@pytest.mark.parametrize(("datapoints", "text"), [(3, "---X0"), (3, "--X-0"), (2, "--X-0")])
def test_and_the_good_point_settles_it(datapoints: int, text: str) -> None:
    assert state(alarm(3, datapoints, "missing"), points(text)) == "OK"


@pytest.mark.parametrize(
    ("text", "periods", "datapoints", "missing", "expected"),
    [
        ("XX", 2, 2, "missing", "ALARM"),
        ("X0", 2, 2, "missing", "OK"),
        ("X0X", 3, 2, "missing", "ALARM"),
        # In no gap the newest N decide: older breaches that were retrieved too do not count.
        ("XX0000", 3, 2, "missing", "OK"),
        ("XX00X", 3, 2, "missing", "OK"),
        ("XXX00", 3, 3, "breaching", "OK"),
        # With N real points in the range the setting is not used, and what is older than the range is forgotten.
        ("X-X-X", 3, 3, "notBreaching", "ALARM"),
        ("X--X-X", 3, 3, "notBreaching", "OK"),
        # M real breaches are enough, whatever fills the gaps.
        ("---XX", 3, 2, "ignore", "ALARM"),
        ("---XX", 3, 2, "notBreaching", "ALARM"),
        ("----X", 3, 3, "breaching", "ALARM"),
        ("----X", 3, 3, "notBreaching", "OK"),
        ("----0", 1, 1, "missing", "OK"),
    ],
)
def test_m_of_n(text: str, periods: int, datapoints: int, missing: str, expected: State) -> None:
    assert state(alarm(periods, datapoints, missing), points(text)) == expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [("GreaterThanThreshold", "OK"), ("GreaterThanOrEqualToThreshold", "ALARM"), ("LessThanThreshold", "OK")],
)
def test_comparisons(comparison: str, expected: State) -> None:
    assert state(alarm(1, 1, comparison=comparison), [1.0]) == expected


# --- many at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", SETTINGS)
@pytest.mark.parametrize("datapoints", [2, 3])
def test_every_documented_row_on_missing_data_among_many(datapoints: int, missing: str) -> None:
    rows = [(text, row[SETTINGS.index(missing)]) for d, text, row in DOCUMENTED if d == datapoints]
    found = states(alarm(3, datapoints, missing), np.array([array(text) for text, _ in rows]).T)
    for column, (_, expected) in enumerate(rows):
        # The series begins with the row's five points: what is kept is what was there a point before.
        assert found[-1, column] == (found[-2, column] if expected == KEPT else STATES.index(expected))


@pytest.mark.parametrize(("datapoints", "text"), [(3, "----X"), (3, "---X-"), (3, "---XX"), (2, "----X")])
def test_no_premature_alarm_among_many(datapoints: int, text: str) -> None:
    for missing in ("missing", "ignore"):
        found = states(alarm(3, datapoints, missing), array(text)[:, np.newaxis])
        assert STATES[found[-1, 0]] == "INSUFFICIENT_DATA"


def array(text: str) -> "np.typing.NDArray[np.float64]":
    return np.array([np.nan if point is None else point for point in points(text)])


ALARMS = st.integers(1, 6).flatmap(
    lambda periods: st.builds(
        alarm,
        st.just(periods),
        st.integers(1, periods),
        st.sampled_from(SETTINGS),
        st.sampled_from(sorted(COMPARISONS)),
    )
)
SERIES = st.lists(st.sampled_from([None, 0.0, 1.0, 2.0]), min_size=12, max_size=12)


@given(
    watched=ALARMS,
    series=st.lists(SERIES, min_size=1, max_size=4),
    extra=st.sampled_from([0, 2, 4]),
    newest=st.sampled_from([None, 0.0, 2.0]),
    minutes=st.sampled_from([1, 1, 3]),
)
def test_many_series_are_decided_as_each_alone(
    watched: Alarm, series: list[list[float | None]], extra: int, newest: float | None, minutes: int
) -> None:
    found = states(
        watched,
        np.array([[np.nan if point is None else point for point in one] for one in series]).T,
        extra_points=extra,
        newest=newest,
        minutes=minutes,
    )
    for column, one in enumerate(series):
        before: State = "INSUFFICIENT_DATA"
        for at in range(len(one)):
            # Of a period of several minutes the points lie so many rows apart.
            seen = one[at % minutes : at + 1 : minutes] + ([] if newest is None else [newest])
            before = state(watched, seen, before, extra_points=extra)
            assert STATES[found[at, column]] == before


def test_what_is_muted_stays_as_it_was() -> None:
    muted = np.array([[False], [True], [False], [True]])
    found = states(alarm(1, 1), np.array([[2.0], [0.0], [0.0], [2.0]]), muted=muted)
    assert [STATES[one] for one in found[:, 0]] == ["ALARM", "ALARM", "OK", "OK"]


def test_an_alarm_over_many_periods_is_no_other_rule() -> None:
    watched = alarm(30, 3)
    few, enough = (np.array([2.0] * breaches + [0.0] * (40 - breaches)) for breaches in (2, 3))
    found = states(watched, np.stack([few, enough, enough[::-1]], axis=1))
    assert [STATES[one] for one in found[29]] == ["OK", "ALARM", "OK"]
    assert [STATES[one] for one in found[-1]] == ["OK", "OK", "ALARM"]


POINTS = st.sampled_from([None, 0.0, 1.0, 2.0, 3.0, -1.0, 0.5])
OPERANDS = st.sampled_from(["a", "b", "c", "2", "0", "0.5"])
EXPRESSIONS = st.recursive(
    OPERANDS,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "*", "/", "^", ">", ">=", "<", "<=", "==", "!=", "AND", "OR"]), inner
        ).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda one: f"-{one}"),
        inner.map(lambda one: f"FILL({one}, 1)"),
        st.tuples(inner, inner, inner).map(lambda parts: f"IF({', '.join(parts)})"),
    ),
    max_leaves=6,
)


@given(expression=EXPRESSIONS, moments=st.lists(st.tuples(POINTS, POINTS, POINTS), min_size=1, max_size=8))
def test_metric_math_on_many_points_is_that_on_each(
    expression: str, moments: list[tuple[float | None, float | None, float | None]]
) -> None:
    columns = {
        name: np.array([np.nan if point is None else point for point in column])
        for name, column in zip("abc", zip(*moments, strict=True), strict=True)
    }
    found = np.broadcast_to(value(expression, columns), len(moments))
    for many, moment in zip(found, moments, strict=True):
        one = value(expression, dict(zip("abc", moment, strict=True)))
        assert (None if np.isnan(many) else many) == one


@given(expression=EXPRESSIONS)
def test_an_expression_without_any_point_has_one_only_where_it_is_filled(expression: str) -> None:
    nothing = value(expression, dict.fromkeys("abc"))
    assert nothing is None or fills(expression) or not metric_ids(expression)
