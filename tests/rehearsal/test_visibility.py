"""Which alarms of the example can see a fault, and what is recommended where none can."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seachange.assembly import Assembly
from seachange.evaluation import Alarm, Composite, Is, Metric, Some
from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.plan.template import read_shift
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.minutes import observed
from seachange.rehearsal.remedies import kind, remedies
from seachange.rehearsal.visibility import blind, cannot_see, recommend

RESETS = Fault(resets=0.5)


@pytest.fixture(scope="session")
def shift(green: Path) -> Shift:
    return read_shift(Assembly.load(green))


def without(shift: Shift, *parts: str) -> Shift:
    """The shift without the alarms that have one of these in their names."""
    gone = {alarm.name for alarm in shift.alarms if any(part in alarm.name for part in parts)}
    assert gone
    return replace(
        shift,
        alarms=tuple(alarm for alarm in shift.alarms if alarm.name not in gone),
        composites=tuple(composite for composite in shift.composites if not composite.children & gone),
        decisive=shift.decisive - gone,
    )


def named(shift: Shift, part: str) -> Alarm:
    (found,) = [alarm for alarm in shift.alarms if part in alarm.name]
    return found


def test_the_remedies_are_the_constructs_alarms(shift: Shift) -> None:
    def comparable(alarm: Alarm) -> Alarm:
        """Without what differs between deployments: its name, and the load balancer's, which the constructs take from either listener."""
        metrics = {
            name: replace(metric, dimensions=metric.dimensions | {"LoadBalancer": ""})
            for name, metric in alarm.metrics.items()
        }
        return replace(alarm, name="", metrics=metrics)

    made = [
        comparable(alarm) for alarm in shift.alarms if alarm.name in shift.decisive or "LoadBalancer5xx" in alarm.name
    ]
    for remedy in remedies(shift):
        assert comparable(remedy.alarm) in made, remedy.alarm.name
    assert len({kind(remedy.alarm) for remedy in remedies(shift)}) == 7


@pytest.mark.parametrize(
    "fault",
    [
        Fault(errors=0.05),
        RESETS,
        Fault(delay_s=2),
        Fault(slowdown=30),
        Fault(unhealthy=True),
        Fault(errors=1, share=0.1),
        Fault(errors=0.5, above_rps=80),
    ],
)
def test_what_the_examples_alarms_see(shift: Shift, fault: Fault) -> None:
    assert blind(shift, fault) is None
    assert recommend(shift, fault) == []


def test_no_alarm_of_a_target_group_sees_resets(shift: Shift) -> None:
    bare = without(shift, "LoadBalancer5xx")
    text = blind(bare, RESETS)
    assert text == "no decisive alarm can see it: the fault shows in HTTPCode_ELB_502_Count (Sum by LoadBalancer)"
    (advice,) = recommend(bare, RESETS)
    assert "HTTPCode_ELB_502_Count (Sum by LoadBalancer)" in advice
    assert "ReleaseAlarms(load_balancer=)" in advice
    why = cannot_see(shift, named(shift, "Green5xxRate"), RESETS)
    assert why is not None
    assert "it reads RequestCount (Sum by TargetGroup and LoadBalancer), HTTPCode_Target_5XX_Count" in why
    assert cannot_see(shift, named(shift, "LoadBalancer5xx"), RESETS) is None


def test_a_balancers_metric_of_a_target_group_has_no_data(shift: Shift) -> None:
    rate = named(shift, "Green5xxRate")
    wrong = replace(
        rate, metrics={**rate.metrics, "errors": replace(rate.metrics["errors"], name="HTTPCode_ELB_502_Count")}
    )
    assert cannot_see(shift, wrong, RESETS) == (
        "the load balancer never sends HTTPCode_ELB_502_Count (Sum by TargetGroup and LoadBalancer): the alarm has no data"
    )


def test_below_every_threshold_a_lower_one_is_recommended(shift: Shift) -> None:
    one_percent = Fault(errors=0.01)
    text = blind(shift, one_percent)
    assert text is not None
    assert text.startswith("no decisive alarm fires: ")
    assert "reaches 1, its threshold is 2" in text
    advice = recommend(shift, one_percent)
    assert any("ReleaseThresholds(error_percent=) a value below 1" in line for line in advice)
    assert any("ReleaseThresholds(comparison_error_percent=) a value below 1" in line for line in advice)
    assert cannot_see(shift, named(shift, "Green5xxRate"), one_percent) == "its value reaches 1, and its threshold is 2"


def test_a_missing_kind_is_recommended_and_not_a_lower_threshold(shift: Shift) -> None:
    bare = without(shift, "GreenP99", "GreenLatencyAgainst")
    slow = Fault(delay_s=2)
    assert "TargetResponseTime (p99 by TargetGroup and LoadBalancer)" in (blind(bare, slow) or "")
    advice = recommend(bare, slow)
    assert len(advice) == 2
    assert all("makes" in line and "TargetResponseTime" in line for line in advice)


def test_a_quiet_service_is_told_that_none_of_ours_would_do(shift: Shift) -> None:
    total = Fault(errors=1)
    assert blind(shift, total, rps=0.5) == (
        "no decisive alarm can see it: the fault shows in HTTPCode_Target_5XX_Count (Sum by TargetGroup and LoadBalancer)"
    )
    (advice,) = recommend(shift, total, rps=0.5)
    assert "common_alarms=" in advice


def test_no_fault_is_nothing_to_see(shift: Shift) -> None:
    assert blind(shift, Fault()) is None
    assert recommend(shift, Fault()) == []


def test_a_database_alarm_is_not_judged(shift: Shift) -> None:
    assert cannot_see(shift, named(shift, "DatabaseAlarmsCpu"), RESETS) is None


def test_what_was_measured_is_judged_likewise(shift: Shift) -> None:
    green, blue = Bucket(requests=100, response_s=[0.01] * 70), Bucket(requests=100, response_s=[0.01] * 100)
    green.statuses[2], green.balancer[502], blue.statuses[2] = 70, 30, 100
    seen = observed(blue, green, speed=60)
    assert recommend(shift, seen) == []
    (advice,) = recommend(without(shift, "LoadBalancer5xx"), seen)
    assert "ReleaseAlarms(load_balancer=)" in advice
    # In a minute without compression these would be too few for any alarm.
    few = Bucket(requests=20, statuses={2: 10, 5: 10}, response_s=[0.01] * 20)
    assert cannot_see(shift, named(shift, "Green5xxRate"), observed(blue, few, speed=60)) is None
    assert cannot_see(shift, named(shift, "Green5xxRate"), observed(blue, few, speed=1)) is not None


def test_a_composite_decides_for_its_children(shift: Shift) -> None:
    rate = named(shift, "Green5xxRate")
    any_of = Composite(name="Any", rule=Some((Is("ALARM", rate.name),)))
    under = replace(shift, alarms=(rate,), composites=(any_of,), decisive=frozenset({"Any"}))
    assert blind(under, Fault(errors=0.5)) is None
    assert "reaches 1, its threshold is 2" in (blind(under, Fault(errors=0.01)) or "")


def test_an_alarm_that_looks_down_feels_what_falls(shift: Shift) -> None:
    healthy = Metric(
        namespace="AWS/ApplicationELB",
        name="HealthyHostCount",
        dimensions={
            "LoadBalancer": '"lb"',
            "TargetGroup": json.dumps({"Fn::GetAtt": [next(iter(shift.colours)), "x"]}),
        },
        statistic="Minimum",
    )
    colours = {next(iter(shift.colours)): "green"}
    few = replace(
        named(shift, "GreenUnhealthy"), name="Few", metrics={"m": healthy}, comparison="LessThanThreshold", threshold=1
    )
    alone = replace(
        shift, alarms=(few,), composites=(), decisive=frozenset({"Few"}), colours=colours | {"other": "blue"}
    )
    assert blind(alone, Fault(unhealthy=True)) is None
