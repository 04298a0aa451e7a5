"""Alarms on the rehearsal's clock: when a point becomes visible, whose alarms decide."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from seachange.evaluation import Alarm, Metric
from seachange.plan.model import Plan
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.watch import AlarmWatch

SPEED = 60.0
START = 1_000_000.0


class Recorded(Measurements):
    """Buckets by second, as if the log had been read."""

    def __init__(self, errors: dict[str, int]) -> None:
        self._errors = errors

    def bucket(self, colour: str, start: float, end: float) -> Bucket:  # noqa: ARG002 (every second is alike)
        bucket = Bucket(requests=20)
        bucket.statuses[5] = self._errors.get(colour, 0)
        return bucket


def polled(plan: Plan, errors: dict[str, int], plan_minutes: float) -> tuple[AlarmWatch, list[str]]:
    clock = Clock(start=START, speed=SPEED)
    watch = AlarmWatch(plan, Recorded(errors), clock)
    return watch, watch.poll(clock.real(60 * plan_minutes))


def test_a_point_is_visible_a_minute_after_its_minute(plan: Plan) -> None:
    # 2 of 3: the second minute ends at 2, and is visible at 3.
    assert polled(plan, {"green": 5}, 2.9)[1] == []
    assert polled(plan, {"green": 5}, 3.0)[1] == ["GErrorsB"]


def test_a_sick_blue_does_not_stop_the_release_that_heals_it(plan: Plan) -> None:
    watch, firing = polled(plan, {"blue": 5}, 10)
    assert firing == []
    assert {watched.alarm.name: watched.state for watched in watch.alarms} == {"BErrorsB": "ALARM", "GErrorsB": "OK"}
    assert [watched.direction for watched in watch.alarms] == ["blue", "green"]


def test_metrics_that_the_stage_does_not_have_are_named(plan: Plan) -> None:
    watch, _ = polled(plan, {}, 1)
    assert watch.not_measured == ["GErrorsS"]


def test_changes_are_kept_on_the_plans_clock(plan: Plan) -> None:
    watch, _ = polled(plan, {"green": 5}, 5)
    green = next(watched for watched in watch.alarms if watched.direction == "green")
    assert green.fired
    assert [state for _, state in green.changes] == ["OK", "ALARM"]


# --- alarms over several metrics -------------------------------------------------------------------------------------------------


def metric(name: str, group: str | None = None, statistic: str = "Sum") -> Metric:
    dimensions = {"LoadBalancer": json.dumps({"Fn::GetAtt": ["L", "LoadBalancerFullName"]})}
    if group:
        dimensions["TargetGroup"] = json.dumps({"Fn::GetAtt": [group, "TargetGroupFullName"]})
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, statistic=statistic)


def watching(plan: Plan, *alarms: Alarm, buckets: Mapping[str, Bucket], minutes: float = 5) -> AlarmWatch:
    clock = Clock(start=START, speed=SPEED)
    watched = replace(plan, shift=replace(plan.shift, alarms=alarms, decisive=frozenset({"Compared", "Balancer"})))
    watch = AlarmWatch(watched, Buckets(buckets), clock)
    watch.poll(clock.real(60 * minutes))
    return watch


class Buckets(Measurements):
    """The same buckets in every minute."""

    def __init__(self, buckets: Mapping[str, Bucket]) -> None:
        self._same = buckets

    def bucket(self, colour: str, start: float, end: float) -> Bucket:  # noqa: ARG002 (every second is alike)
        return self._same.get(colour, Bucket())


def compared(plan: Plan, own: str, other: str) -> Alarm:
    return replace(
        plan.shift.alarms[0],
        name="Compared",
        metrics={
            "requests": metric("RequestCount", own),
            "errors": metric("HTTPCode_Target_5XX_Count", own),
            "other_requests": metric("RequestCount", other),
            "other_errors": metric("HTTPCode_Target_5XX_Count", other),
        },
        expression="IF(requests >= 200 AND other_requests >= 200, "
        "100 * FILL(errors, 0) / requests - 200 * FILL(other_errors, 0) / other_requests, 0)",
        threshold=1,
    )


def sides(errors: int) -> dict[str, Bucket]:
    blue, green = Bucket(requests=90), Bucket(requests=10)
    green.statuses[5] = errors
    return {"blue": blue, "green": green}


def test_each_metric_of_a_comparison_is_its_own_groups(plan: Plan) -> None:
    (watched,) = watching(plan, compared(plan, "G", "B"), buckets=sides(errors=1)).alarms
    assert (watched.points[0], watched.state, watched.direction) == (10, "ALARM", "green")
    (reverse,) = watching(plan, compared(plan, "B", "G"), buckets=sides(errors=1)).alarms
    assert (reverse.points[0], reverse.state) == (-20, "OK")


def test_a_comparison_that_finds_fault_with_blue_is_blues(plan: Plan) -> None:
    faulting_blue = replace(compared(plan, "B", "G"), name="NotDecisive")
    (watched,) = watching(plan, faulting_blue, buckets=sides(errors=0)).alarms
    assert watched.direction == "blue"


def test_the_load_balancers_own_errors_are_both_groups(plan: Plan) -> None:
    balancer = replace(
        plan.shift.alarms[0],
        name="Balancer",
        metrics={"requests": metric("RequestCount"), "errors": metric("HTTPCode_ELB_502_Count")},
    )
    buckets = sides(errors=0)
    buckets["green"].balancer[502] = 3
    (watched,) = watching(plan, balancer, buckets=buckets).alarms
    assert (watched.points[0], watched.state, watched.direction) == (3, "ALARM", "both")


def test_another_services_target_group_is_not_measured(plan: Plan) -> None:
    stranger = replace(
        plan.shift.alarms[0], name="Stranger", metrics={"m": metric("RequestCount", "X")}, expression="m"
    )
    watch = watching(plan, stranger, buckets=sides(errors=0))
    assert watch.alarms == []
    assert watch.not_measured == ["Stranger"]


@pytest.mark.parametrize(("answers", "state"), [(16, "INSUFFICIENT_DATA"), (17, "ALARM")])
def test_low_samples_leave_the_state_alone_where_the_alarm_wants_it(plan: Plan, answers: int, state: str) -> None:
    # 1,000 samples make a p99: 17 in a second that stands for a minute.
    slow = replace(
        plan.shift.alarms[0],
        metrics={"m": metric("TargetResponseTime", "G", "p99")},
        expression="m",
        ignores_low_samples=True,
    )
    buckets = {"blue": Bucket(), "green": Bucket(response_s=[9.0] * answers)}
    (watched,) = watching(plan, slow, buckets=buckets).alarms
    assert watched.state == state
