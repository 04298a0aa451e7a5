"""Which alarms a compressed rehearsal can exercise: neither a blind one, nor one that a stray request decides."""

from dataclasses import replace

import pytest

from seachange.evaluation import Metric
from seachange.plan.model import Plan, Step
from seachange.rehearsal.floors import floor
from seachange.rehearsal.watch import Watched
from tests.rehearsal.plans import alarm


@pytest.fixture
def plan(plan: Plan) -> Plan:
    """The made-up plan with a bake, in which alarms have time to fire."""
    return replace(plan, shift=replace(plan.shift, bake_s=1800.0))


def test_a_deployment_that_is_over_too_soon(plan: Plan) -> None:
    short = replace(plan, shift=replace(plan.shift, bake_s=120.0))
    found = floor(short, Watched(alarm=alarm("G"), direction="green"), rate=200, speed=60)
    assert found.why_not == "the deployment ends after 1 of the 2 periods that it needs; bake longer"


def test_enough_requests_decide(plan: Plan) -> None:
    found = floor(plan, Watched(alarm=alarm("G"), direction="green"), rate=200, speed=60)
    assert found.exercised
    assert found.requests_per_period == 200
    # 2 percent of fewer than 50 requests is less than one of them.
    assert found.decides_up_to == 240


def test_a_single_request_must_not_decide(plan: Plan) -> None:
    found = floor(plan, Watched(alarm=alarm("G"), direction="green"), rate=10, speed=60)
    assert not found.exercised
    assert found.why_not == "a single bad request of a period's 10 decides; it decides at --speed 10 or less"


def test_an_alarm_that_never_fires_here_is_not_exercised(plan: Plan) -> None:
    deaf = replace(alarm("G"), expression="IF(requests >= 100000, 100 * FILL(errors, 0) / requests, 0)")
    found = floor(plan, Watched(alarm=deaf, direction="green"), rate=200, speed=60)
    assert found.why_not == "even if all 200 requests of a period went wrong it would not fire"
    assert found.decides_up_to is None


def test_blues_alarm_is_asked_while_blue_has_traffic(plan: Plan) -> None:
    steps = (Step(at_s=0, green_weight=25), Step(at_s=60, green_weight=100))
    shifting = replace(plan, shift=replace(plan.shift, steps=steps))
    found = floor(shifting, Watched(alarm=alarm("B"), direction="blue"), rate=200, speed=60)
    assert found.requests_per_period == 150


def test_counts_of_hosts_need_no_request(plan: Plan) -> None:
    hosts = Metric(
        namespace="AWS/ApplicationELB",
        name="UnHealthyHostCount",
        dimensions=alarm("G").metrics["errors"].dimensions,
        statistic="Maximum",
    )
    unhealthy = replace(alarm("G"), metrics={"m": hosts}, expression="m", threshold=0)
    found = floor(plan, Watched(alarm=unhealthy, direction="green"), rate=1, speed=600)
    assert found.exercised
    assert found.requests_per_period is None
