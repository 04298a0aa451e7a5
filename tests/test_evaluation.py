"""CloudWatch's rules: metric math on one point, M of N, missing data; and what they make of two alarms."""

import math
import random
from collections.abc import Sequence

import pytest

from seachange.evaluation import Alarm, ExpressionError, State, fewest_samples, state, value
from tests.chance import poisson

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


# --- the table "Two common alarms, compared" of docs/facts/cloudwatch.md, two cells of it ------------------------------------

SHIFTED, BAKED = 27, 57
# From the end of a minute: visible after one more; evaluated, and seen by CodeDeploy, about another later.
SEEN_AFTER = 1.9


def common(periods: int, datapoints: int, threshold: float, expression: str) -> Alarm:
    return Alarm(
        name="",
        metrics={},
        expression=expression,
        period_s=60,
        threshold=threshold,
        comparison="GreaterThanThreshold",
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        missing_data="notBreaching",
    )


COUNT_ALARM = common(2, 2, 10, "errors")
RATE_ALARM = common(3, 2, 2, "IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)")


def rolled_back_after(chance: random.Random, watching: Alarm, per_s: float, errors: float) -> float:
    """Minutes until a release by 10 % each 3 minutes is rolled back; infinite for one that is not."""
    seen: list[float | None] = []
    begins = -chance.random()  # CloudWatch's minutes know nothing of the deployment's
    while begins + 1 + SEEN_AFTER <= BAKED:
        sixths = [begins + (part + 0.5) / 6 for part in range(6)]
        weight = sum(min(1, 0.1 * (at // 3 + 1)) for at in sixths if at > 0) / 6
        bad = poisson(chance, 60 * per_s * weight * errors)
        good = poisson(chance, 60 * per_s * weight * (1 - errors))
        seen.append(value(watching.expression, {"requests": float(bad + good) or None, "errors": float(bad) or None}))
        if state(watching, seen) == "ALARM":
            return begins + 1 + SEEN_AFTER
        begins += 1
    return math.inf


def odds(minutes: Sequence[float], limit: float) -> float:
    return sum(each <= limit for each in minutes) / len(minutes)


@pytest.mark.parametrize(
    ("watching", "per_s", "errors", "until_shifted", "until_baked"),
    [(COUNT_ALARM, 20, 0.01, 0.42, 1), (RATE_ALARM, 2, 0.01, 0.39, 0.71)],
    ids=["count at 20/s", "rate at 2/s"],
)
def test_two_cells_of_the_table(
    watching: Alarm, per_s: float, errors: float, until_shifted: float, until_baked: float
) -> None:
    chance = random.Random(20261101)
    minutes = [rolled_back_after(chance, watching, per_s, errors) for _ in range(500)]
    # Three standard deviations of 500 draws are .07.
    assert odds(minutes, SHIFTED) == pytest.approx(until_shifted, abs=0.07)
    assert odds(minutes, BAKED) == pytest.approx(until_baked, abs=0.07)


def test_a_count_takes_back_good_releases_where_a_rate_does_not() -> None:
    chance = random.Random(20261101)
    count, rate = (
        [rolled_back_after(chance, watching, 200, 0.001) for _ in range(60)] for watching in (COUNT_ALARM, RATE_ALARM)
    )
    assert odds(count, BAKED) > 0.9
    assert odds(rate, BAKED) == 0
