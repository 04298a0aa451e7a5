"""Alarms on the rehearsal's clock: when a point becomes visible, whose alarms decide."""

import json
from pathlib import Path

import pytest

from seachange.evaluation import Alarm, Metric
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.plan import HealthCheck, Migration, Plan, Release, Step
from seachange.rehearsal.watch import AlarmWatch

SPEED = 60.0
START = 1_000_000.0


def alarm(group: str, *, namespace: str = "AWS/ApplicationELB") -> Alarm:
    dimensions = {"TargetGroup": json.dumps({"Fn::GetAtt": [group, "TargetGroupFullName"]})}
    names = {"errors": "HTTPCode_Target_5XX_Count", "requests": "RequestCount"}
    return Alarm(
        name=f"{group}Errors{namespace[-1]}",
        metrics={
            key: Metric(namespace=namespace, name=name, dimensions=dimensions, statistic="Sum")
            for key, name in names.items()
        },
        expression="IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)",
        period_s=60,
        threshold=2,
        comparison="GreaterThanThreshold",
        evaluation_periods=3,
        datapoints_to_alarm=2,
        missing_data="notBreaching",
    )


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    migration = Migration(
        label="s/m",
        properties={},
        on_event="",
        is_complete="",
        directory=tmp_path,
        environment={},
        timeout_s=1,
        limit_s=1,
        secret_templates={},
    )
    release = Release(container_port=8080, environment={}, secrets=(), tasks=1, migration=migration)
    alarms = (alarm("B"), alarm("G"), alarm("G", namespace="AWS/RDS"))
    return Plan(
        blue=release,
        green=release,
        steps=(Step(at_s=0, green_weight=100),),
        bake_s=0,
        health=HealthCheck(path="/", interval_s=30, timeout_s=5, healthy=2, unhealthy=3, codes="200"),
        deregistration_delay_s=0,
        production_port=80,
        test_port=8080,
        alarms=alarms,
        unread_alarms=(),
        decisive=frozenset({"GErrorsB"}),
        colours={"B": "blue", "G": "green"},
        rolls_back_on_alarm=True,
    )


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
    assert [alarm.name for alarm in watch.not_measured] == ["GErrorsS"]


def test_changes_are_kept_on_the_plans_clock(plan: Plan) -> None:
    watch, _ = polled(plan, {"green": 5}, 5)
    green = next(watched for watched in watch.alarms if watched.direction == "green")
    assert green.fired
    assert [state for _, state in green.changes] == ["OK", "ALARM"]
