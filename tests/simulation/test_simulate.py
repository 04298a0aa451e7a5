"""What becomes of simulated releases: by each fault, each alarm, each unknown."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seachange.assembly import Assembly
from seachange.evaluation import Alarm, Composite, Every, Is, Metric, Not
from seachange.plan.faults import Fault
from seachange.plan.template import read_shift
from seachange.simulation.engine import simulate
from seachange.simulation.errors import SimulationError
from seachange.simulation.result import Result
from seachange.simulation.unknowns import Between, Unknowns
from tests.simulation.shifts import BALANCER, ERRORS, KNOWN, RATE, REQUESTS, alarm, metric, profile, shift

SICK = alarm("m", 0, of=(3, 3), name="unhealthy", m=metric("UnHealthyHostCount", statistic="Maximum"))
P99 = alarm(
    "IF(requests >= 50, p99, 0)",
    1,
    of=(3, 3),
    name="p99",
    requests=REQUESTS,
    p99=metric("TargetResponseTime", statistic="p99"),
)
EVERY = (RATE, BALANCER, SICK, P99)


def caught_by(result: Result) -> str | None:
    """The alarm that takes every release back; None when none is taken back."""
    assert result.rolled_back.value in (0, 1)
    return next((name for name, share in result.first.items() if share == 1), None)


@pytest.mark.parametrize(
    ("fault", "alarm_that_sees"),
    [
        (Fault(), None),
        (Fault(errors=0.05), "rate"),
        (Fault(errors=0.005), None),
        (Fault(errors=0.5, share=0.1), "rate"),
        (Fault(errors=0.1, share=0.05), None),
        # The load balancer's own 502 names no target group: no alarm on the group sees it.
        (Fault(resets=0.2), "balancer"),
        (Fault(unhealthy=True), "unhealthy"),
        (Fault(slowdown=10), "p99"),
        (Fault(slowdown=1.5), None),
        (Fault(delay_s=1), "p99"),
        (Fault(delay_s=2, share=0.05), "p99"),
        (Fault(delay_s=2, share=0.005), None),
        # A cold start that is over before three minutes are.
        (Fault(delay_s=2, until_s=120), None),
        (Fault(errors=0.5, until_s=50), None),
        (Fault(errors=0.5, after_s=3400), None),
        (Fault(errors=0.5, above_rps=120), None),
    ],
    ids=str,
)
def test_which_alarm_sees_which_fault(fault: Fault, alarm_that_sees: str | None) -> None:
    assert caught_by(simulate(shift(*EVERY), profile(), fault=fault, releases=200, unknowns=KNOWN)) == alarm_that_sees


def test_when_it_is_rolled_back_and_what_that_costs() -> None:
    result = simulate(shift(RATE), profile(), fault=Fault(errors=0.5), releases=500, unknowns=KNOWN)
    # Two minutes, one until they are visible, 30 s to the evaluation, 20 s to the poll.
    assert result.time_s.p5 == result.time_s.p95 == 120 + 60 + 30 + 20
    assert result.green_weight == 20
    # 10/s for three minutes and 20/s for the rest, half of them failing.
    assert result.failed.mean == pytest.approx(0.5 * (10 * 180 + 20 * 50), rel=0.02)
    assert result.harmed == result.failed


def test_a_release_that_nobody_stops_fails_requests_until_the_end_of_the_bake() -> None:
    result = simulate(shift(BALANCER), profile(), fault=Fault(errors=0.1, slowdown=2), releases=200)
    assert result.rolled_back.value == 0
    assert result.time_s.p50 is result.green_weight is None
    seconds = sum(0.1 * (step + 1) * 180 for step in range(9)) + 1800
    assert result.failed.mean == pytest.approx(0.1 * 100 * seconds, rel=0.01)
    assert result.harmed.mean == pytest.approx(100 * seconds, rel=0.01)


@pytest.mark.parametrize(
    ("fault", "earliest_s"), [(Fault(errors=0.5, after_s=900), 900), (Fault(errors=0.5, above_rps=45), 720)]
)
def test_a_fault_that_begins_later_is_caught_later(fault: Fault, earliest_s: float) -> None:
    result = simulate(shift(RATE), profile(), fault=fault, releases=200, unknowns=KNOWN)
    assert result.time_s.p50 == earliest_s + 120 + 60 + 30 + 20


def test_bursts_of_one_tenant_are_seen_where_the_same_errors_evenly_are_not() -> None:
    even, bursty = (
        simulate(
            shift(RATE), profile(), fault=Fault(errors=1, share=0.01, bursty=bursty), releases=500
        ).rolled_back.value
        for bursty in (False, True)
    )
    assert even < 0.05
    assert bursty > 0.5


def test_an_alarm_that_fires_already_stops_the_release_at_its_start() -> None:
    total = alarm("errors", 100, name="total", errors=metric("HTTPCode_Target_5XX_Count", None))
    result = simulate(shift(total), profile(error_rate=0.1), releases=100, unknowns=KNOWN)
    assert result.rolled_back.value == 1
    assert result.time_s.p95 == 20
    assert result.failed.mean == pytest.approx(0.1 * 10 * 20, rel=0.1)


def test_an_alarm_that_fired_some_minutes_before_does_not() -> None:
    # About one minute in fifty has more than 13 errors where seven are usual. Only the last one before the release counts.
    noisy = alarm("errors", 13, name="noisy", errors=metric("HTTPCode_Target_5XX_Count", None))
    result = simulate(shift(noisy), profile(error_rate=7 / 6000), releases=2000, unknowns=KNOWN)
    assert result.rolled_back.value > 0.3
    assert result.time_s.p5 is not None
    assert result.time_s.p5 > 20


def test_a_request_fails_once() -> None:
    """One that green resets has no answer that could be wrong."""
    result = simulate(shift(BALANCER), profile(), fault=Fault(errors=1, resets=0.5), releases=300, unknowns=KNOWN)
    assert result.time_s.p50 == 60 + 60 + 30 + 20
    assert result.failed.mean == pytest.approx(10 * 170, rel=0.02)


def test_a_percentile_of_too_few_samples_is_mute_where_the_alarm_wants_that() -> None:
    mute = replace(P99, expression="p99", metrics={"p99": P99.metrics["p99"]}, ignores_low_samples=True, name="mute")
    heard = replace(mute, ignores_low_samples=False, name="heard")
    # 8 requests/s are 480 a minute at most: fewer than the 1,000 that make a 99th percentile.
    result = simulate(shift(mute, heard), profile(8), fault=Fault(delay_s=2), releases=100, unknowns=KNOWN)
    assert caught_by(result) == "heard"
    busy = simulate(shift(mute), profile(80), fault=Fault(delay_s=2), releases=100, unknowns=KNOWN)
    assert caught_by(busy) == "mute"


@pytest.mark.parametrize(
    ("statistic", "below", "above"),
    [
        ("Minimum", 0.5, 0.55),
        ("p50", 0.54, 0.56),
        ("Average", 0.54, 0.58),
        ("Maximum", 0.6, 1.5),
        ("Sum", 3000, 4000),
        ("SampleCount", 5500, 6500),
    ],
)
def test_statistics_of_the_response_time(statistic: str, below: float, above: float) -> None:
    """Of 6,000 responses a minute, each half a second longer than the usual 50 ms."""
    low, high = (
        alarm("m", threshold, of=(3, 3), name=str(threshold), m=metric("TargetResponseTime", statistic=statistic))
        for threshold in (below, above)
    )
    result = simulate(shift(low, high), profile(), fault=Fault(delay_s=0.5), releases=50, unknowns=KNOWN)
    assert caught_by(result) == str(below)


def test_a_longer_period_adds_its_minutes_and_is_evaluated_each_minute() -> None:
    five = replace(alarm("errors", 250, errors=ERRORS), period_s=300)
    result = simulate(shift(five), profile(), fault=Fault(errors=0.05), releases=200, unknowns=KNOWN)
    # 0.5 errors a second for three minutes, then 1: 210 after five minutes, 240 in the five that end at the sixth, 270 at the seventh.
    assert result.time_s.p50 == 7 * 60 + 60 + 30 + 20


def test_a_composite_takes_back_and_its_children_alone_do_not() -> None:
    both = Composite(name="both", rule=Every((Is("ALARM", "rate"), Is("ALARM", "unhealthy"))))
    only = shift(RATE, SICK, composites=(both,), decisive=frozenset({"both"}))
    assert caught_by(simulate(only, profile(), fault=Fault(errors=0.5), releases=50)) is None
    assert caught_by(simulate(only, profile(), fault=Fault(errors=0.5, unhealthy=True), releases=50)) == "both"
    inverse = shift(
        RATE, composites=(Composite(name="calm", rule=Not(Is("ALARM", "rate"))),), decisive=frozenset({"calm"})
    )
    assert caught_by(simulate(inverse, profile(), releases=50)) == "calm"


NOT_SIMULATED = frozenset({"cpu", "other", "4xx", "often", "long", "days", "over", "odd"})


def test_what_is_not_simulated_is_listed_with_its_reason() -> None:
    strange = Metric(namespace="AWS/RDS", name="CPUUtilization", dimensions={}, statistic="Average")
    alarms = (
        alarm("m", 90, name="cpu", m=strange),
        alarm("m", 1, name="other", m=metric("RequestCount", "Another")),
        alarm("m", 1, name="4xx", m=metric("HTTPCode_Target_4XX_Count")),
        alarm("m", 1, name="often", m=ERRORS, period_s=10),
        alarm("m", 1, name="long", m=ERRORS, of=(40, 40)),
        alarm("m", 1, name="days", m=ERRORS, of=(25, 25), period_s=3600),
    )
    over = Composite(name="over", rule=Is("ALARM", "cpu"))
    release = shift(
        *alarms, RATE, composites=(over,), unread_alarms=("odd: anomaly detection",), decisive=NOT_SIMULATED
    )
    result = simulate(release, profile(), releases=10)
    reasons = dict(line.split(": ", 1) for line in result.not_simulated)
    assert reasons.keys() == NOT_SIMULATED
    assert reasons["cpu"] == "AWS/RDS CPUUtilization does not follow from the traffic"
    assert "outside this deployment" in reasons["other"]
    assert "no profile says" in reasons["4xx"]
    assert "sends a metric each minute" in reasons["often"]
    assert "40 periods" in reasons["long"]
    assert "more than a day" in reasons["days"]
    assert "asks for cpu" in reasons["over"]
    assert result.first == {}


def test_a_deployment_group_that_does_not_roll_back_rolls_nothing_back() -> None:
    result = simulate(shift(RATE, rolls_back_on_alarm=False), profile(), fault=Fault(errors=0.5), releases=10)
    assert result.rolled_back.value == 0
    assert result.not_simulated == ("rate: the deployment group does not roll back when an alarm fires",)


def test_traffic_follows_the_hours_of_the_day() -> None:
    # At night the alarm's minimum of requests is not reached: a release of that hour goes through.
    half = profile(requests_per_s=(100.0,) * 12 + (0.2,) * 12)
    found = simulate(shift(RATE), half, fault=Fault(errors=0.5), releases=1000).rolled_back.value
    assert 0.5 <= found <= 0.58


# --- properties -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_is_the_same_answer_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(seed: int) -> Result:
        return simulate(shift(RATE, P99), profile(20), fault=Fault(errors=0.02), releases=4100, seed=seed)

    first = answer(1)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert answer(1) == first
    assert answer(2) != first


RATES = st.sampled_from([0.0, 0.005, 0.01, 0.02, 0.05, 0.2, 1.0])


@settings(max_examples=25, deadline=None)
@given(
    errors=st.tuples(RATES, RATES), per_s=st.sampled_from([2.0, 20.0, 200.0]), background=st.sampled_from([0.0, 0.005])
)
def test_more_errors_are_not_caught_less_often(errors: tuple[float, float], per_s: float, background: float) -> None:
    few, many = (
        simulate(
            shift(RATE), profile(per_s, error_rate=background), fault=Fault(errors=e), releases=400
        ).rolled_back.value
        for e in sorted(errors)
    )
    # Four standard deviations of the difference of two such shares.
    assert many >= few - 4 * (2 * 0.25 / 400) ** 0.5


@settings(max_examples=25, deadline=None)
@given(
    thresholds=st.tuples(st.floats(0, 10), st.floats(0, 10)),
    errors=RATES,
    of=st.sampled_from([(1, 1), (2, 3), (3, 3)]),
)
def test_the_same_releases_under_a_higher_threshold_are_not_rolled_back_sooner(
    thresholds: tuple[float, float], errors: float, of: tuple[int, int]
) -> None:
    watched = replace(RATE, datapoints_to_alarm=of[0], evaluation_periods=of[1])
    low, high = (
        simulate(shift(replace(watched, threshold=threshold)), profile(20), fault=Fault(errors=errors), releases=300)
        for threshold in sorted(thresholds)
    )
    assert high.rolled_back.value <= low.rolled_back.value
    assert high.before_full.value <= low.before_full.value
    assert high.failed.mean >= low.failed.mean - 1e-9


@settings(max_examples=15, deadline=None)
@given(errors=RATES, per_s=st.sampled_from([2.0, 20.0, 200.0]), dispersion=st.sampled_from([1.0, 5.0]))
def test_what_every_answer_satisfies(errors: float, per_s: float, dispersion: float) -> None:
    result = simulate(
        shift(RATE, P99),
        profile(per_s, dispersion=dispersion, error_rate=0.01),
        fault=Fault(errors=errors),
        releases=300,
    )
    assert result.before_full.value <= result.rolled_back.value
    for share in (result.before_full, result.rolled_back):
        assert 0 <= share.low <= share.value <= share.high <= 1
    assert sum(result.first.values()) == pytest.approx(result.rolled_back.value)
    assert result.failed.p5 <= result.failed.p50 <= result.failed.p95
    low, high = result.range
    assert low <= result.rolled_back.value <= high


# --- unknowns -------------------------------------------------------------------------------------------------------------


def matters(watched: Alarm, per_s: float, fault: Fault = Fault(), **more: float) -> set[str]:  # noqa: B008 (frozen)
    result = simulate(shift(watched), profile(per_s, **more), fault=fault, releases=4000)
    return {variant.unknown for variant in result.variants if variant.matters} - {"delays"}


def test_the_unknowns_that_an_answer_depends_on_are_shown() -> None:
    # Seldom an error: whether three of them count as "in a row" depends on the points fetched, and on a 0 between them.
    sparse = alarm("errors", 0, of=(3, 3), errors=ERRORS)
    assert matters(sparse, 20, error_rate=0.0003) == {"points", "zeros"}
    # All of N points of a filled expression: with the newest minute pinned at 0 it never fires.
    assert matters(replace(RATE, evaluation_periods=2), 20, Fault(errors=0.1)) == set()
    pinned = alarm("FILL(errors, 0)", 5, of=(2, 2), errors=ERRORS)
    assert matters(pinned, 20, Fault(errors=0.1)) == {"newest"}
    assert matters(RATE, 20, Fault(errors=0.1)) == set()


def test_later_metrics_are_later_rollbacks() -> None:
    result = simulate(shift(RATE), profile(), fault=Fault(errors=0.5), releases=1000)
    shortest, longest = (variant.median_s for variant in result.variants if variant.unknown == "delays")
    assert shortest is not None
    assert longest is not None
    assert result.time_s.p50 is not None
    assert shortest < result.time_s.p50 < longest
    # Two minutes more until the metric is visible, one until the alarm is evaluated, 40 s until it is polled.
    assert longest - shortest == pytest.approx(120 + 60 + 40, abs=1)


def test_a_rehearsals_compressed_minutes_hold_fewer_requests() -> None:
    """At speed 60 a minute of 20 requests/s holds 20 requests: one error in it is five percent, and more than the rate allows."""
    fault = Fault(errors=0.01)
    real, compressed = (
        simulate(shift(RATE), profile(20), fault=fault, releases=500, compression=compression)
        for compression in (1, 60)
    )
    assert real.rolled_back.value < 0.2
    assert compressed.rolled_back.value > 0.5
    until_the_end = simulate(shift(BALANCER), profile(20), fault=fault, releases=500, compression=60).failed.mean
    assert until_the_end == pytest.approx(0.01 * 20 * (0.1 * 45 * 180 + 1800) / 60, rel=0.1)


@pytest.mark.parametrize(("threshold", "fires"), [(5000, True), (7000, False)])
def test_both_colours_requests_are_compressed_alike(threshold: float, fires: bool) -> None:
    everything = alarm("requests", threshold, of=(5, 5), requests=metric("RequestCount", None))
    result = simulate(shift(everything), profile(), releases=50, compression=10)
    assert result.rolled_back.value == fires


@pytest.mark.parametrize("zeros", ["absent", "sent"])
def test_without_requests_there_is_no_count_of_errors_either_way(zeros: Literal["absent", "sent"]) -> None:
    dead = alarm("errors", 0, missing_data="breaching", errors=ERRORS)
    unknowns = replace(KNOWN, zeros=zeros)
    assert simulate(shift(dead), profile(0), releases=20, unknowns=unknowns).rolled_back.value == 1


# --- bad input ------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(SimulationError, match="0 releases tell nothing"):
        simulate(shift(RATE), profile(), releases=0)
    with pytest.raises(SimulationError, match="how much of the traffic goes to /search is not known here"):
        simulate(shift(RATE), profile(), fault=Fault(errors=1, path="/search"))
    with pytest.raises(SimulationError, match="between 3 and 2 s lies nothing"):
        Unknowns(visible=Between(low=3, high=2))


def test_the_examples_own_template(green: Path) -> None:
    release = read_shift(Assembly.load(green))
    good, bad = (
        simulate(release, profile(200, error_rate=0.001), fault=fault, releases=500)
        for fault in (Fault(), Fault(errors=0.05))
    )
    assert good.rolled_back.value == 0
    assert bad.before_full.value == 1
    assert {reason.split(": ")[1].split()[0] for reason in bad.not_simulated} == {"AWS/RDS"}
