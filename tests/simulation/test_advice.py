"""The alarm that is right whichever way CloudWatch works: what it looks like."""

import pytest

from seachange.evaluation import filled, metric_ids, value
from seachange.plan.faults import Fault
from seachange.simulation.advice import advice, steady
from seachange.simulation.engine import simulate
from seachange.simulation.unknowns import Unknowns
from tests.simulation.shifts import ERRORS, RATE, REQUESTS, alarm, metric, profile, shift


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", "FILL(errors, 0)"),
        ("FILL(errors, 0)", "FILL(errors, 0)"),
        (
            "IF(requests > 1 AND errors > 2, errors ^ 2, 0)",
            "IF(requests > 1 AND FILL(errors, 0) > 2, FILL(errors, 0) ^ 2, 0)",
        ),
        ("FILL(errors / requests, 0)", "FILL(FILL(errors, 0) / requests, 0)"),
    ],
)
def test_counts_are_filled_where_they_are_not(expression: str, expected: str) -> None:
    assert filled(expression, {"errors"}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", "IF(requests > 0, FILL(errors, 0), 0)"),
        ("FILL(errors, 0)", "IF(requests > 0, FILL(errors, 0), 0)"),
        ("IF(r > 50, errors / r, 0)", "IF(r > 50, FILL(errors, 0) / r, 0)"),
        ("IF(FILL(r, 0) > 50, FILL(errors, 0) / r, 0)", "IF(r > 0, IF(FILL(r, 0) > 50, FILL(errors, 0) / r, 0), 0)"),
    ],
)
def test_there_is_a_point_in_every_minute_with_requests_and_in_no_other(expression: str, expected: str) -> None:
    metrics = {"errors": ERRORS} | ({"r": REQUESTS} if "r" in metric_ids(expression) else {})
    better = steady(alarm(expression, 0, **metrics))
    assert better.expression == expected
    assert REQUESTS in better.metrics.values()
    points: dict[str, float | None] = dict.fromkeys(better.metrics)
    assert value(better.expression, points) is None
    requests = next(name for name, found in better.metrics.items() if found == REQUESTS)
    assert value(better.expression, points | {requests: 100.0}) == 0
    assert steady(better) == better


SICK = metric("UnHealthyHostCount", statistic="Maximum")


@pytest.mark.parametrize("good", [RATE, alarm("m", 0, of=(3, 3), m=SICK), alarm("requests", 5, requests=REQUESTS)])
def test_an_alarm_that_is_right_already_stays(good: object) -> None:
    assert steady(good) is good  # type: ignore[arg-type]


def test_what_is_recommended_depends_on_no_unknown() -> None:
    traffic = profile(20, error_rate=0.0002)
    sparse = alarm("errors", 0, of=(2, 2), errors=ERRORS)
    before, after = (simulate(shift(one), traffic, releases=4000) for one in (sparse, steady(sparse)))
    assert {variant.unknown for variant in before.variants if variant.matters} >= {"points", "zeros"}
    assert {variant.unknown for variant in after.variants if variant.matters} <= {"delays"}
    (text,) = advice(shift(sparse), traffic, "good release", Fault(), before, seed=0, unknowns=Unknowns())
    assert text.startswith(
        "alarm: write `IF(requests > 0, FILL(errors, 0), 0)` in 2 of 2 instead of `errors` in 2 of 2"
    )


def test_nothing_is_recommended_where_nothing_is_better() -> None:
    good = simulate(shift(RATE), profile(20), releases=1000)
    assert advice(shift(RATE), profile(20), "good release", Fault(), good, seed=0, unknowns=Unknowns()) == []
