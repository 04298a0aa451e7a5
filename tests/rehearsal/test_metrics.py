"""The access log becomes the load balancer's metrics, with the dimensions that CloudWatch has."""

import json
import math
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seachange.evaluation import Metric
from seachange.plan.alb import has_data
from seachange.rehearsal.access_log import NO_GROUP, OUTCOMES, numbered
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.points import can_measure, groups, point
from seachange.rehearsal.stage.envoy import Hosts

GROUP = {"LoadBalancer": '"lb"', "TargetGroup": '{"Fn::GetAtt": ["G", "TargetGroupFullName"]}'}
BALANCER = {"LoadBalancer": '"lb"'}
OWN = tuple(f"HTTPCode_ELB_{code}_Count" for code in ("3XX", "4XX", "5XX", "500", "502", "503", "504"))
TARGETS = (
    "RequestCount",
    "TargetConnectionErrorCount",
    *(f"HTTPCode_Target_{code}XX_Count" for code in (2, 3, 4, 5)),
)


def metric(name: str, dimensions: dict[str, str] = BALANCER, statistic: str = "Sum") -> Metric:
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, statistic=statistic)


def line(**fields: Any) -> dict[str, Any]:
    """One request, as the load balancer writes it down."""
    return {
        "start": time.time(),
        "duration_us": 500,
        "target_us": 400,
        "colour": "green",
        "status": 200,
        "flags": "-",
        "number": None,
    } | fields


def measured(log: Path, group: str, **fields: Any) -> Bucket:
    now = time.time()
    log.write_text(json.dumps(line(**fields)) + "\n", "utf-8")
    with Measurements(log, slice_s=1) as measurements:
        pass
    return measurements.bucket(group, now - 1, now + 2)


def seen(bucket: Bucket, dimensions: dict[str, str]) -> set[str]:
    """The metrics with a data point, among those with these dimensions."""
    names = [*TARGETS, *OWN, "HTTP_Fixed_Response_Count", "HTTP_Redirect_Count"]
    return {name for name in names if point(metric(name, dimensions), [bucket], 1)}


@pytest.mark.parametrize(
    ("flags", "answered", "status", "of_group", "of_balancer"),
    [
        ("-", True, 200, {"RequestCount", "HTTPCode_Target_2XX_Count"}, set()),
        # An error of the target's own is the target group's, also one of the statuses that the load balancer uses.
        ("-", True, 503, {"RequestCount", "HTTPCode_Target_5XX_Count"}, set()),
        (
            "UF",
            False,
            502,
            {"RequestCount", "TargetConnectionErrorCount"},
            {"5XX", "502"},
        ),
        (
            "UF,URX",
            False,
            502,
            {"RequestCount", "TargetConnectionErrorCount"},
            {"5XX", "502"},
        ),
        ("UC", False, 502, {"RequestCount"}, {"5XX", "502"}),
        ("UPE", False, 502, {"RequestCount"}, {"5XX", "502"}),
        ("SI", False, 504, {"RequestCount"}, {"5XX", "504"}),
        ("UH", False, 503, set(), {"5XX", "503"}),
        ("DC", False, 0, {"RequestCount"}, {"4XX"}),
        ("DPE", False, 400, set(), {"4XX"}),
        # The target hung up, or the client left, in the middle of an answer that had begun.
        ("UC", True, 200, {"RequestCount", "HTTPCode_Target_2XX_Count"}, set()),
        ("DC", True, 200, {"RequestCount", "HTTPCode_Target_2XX_Count"}, set()),
    ],
)
def test_what_is_counted_where(
    tmp_path: Path, flags: str, answered: bool, status: int, of_group: set[str], of_balancer: set[str]
) -> None:
    bucket = measured(tmp_path / "access.log", "green", flags=flags, target_us=400 if answered else None, status=status)
    assert seen(bucket, GROUP) == of_group
    assert seen(bucket, BALANCER) == of_group | {f"HTTPCode_ELB_{code}_Count" for code in of_balancer}


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        (404, {"HTTPCode_ELB_4XX_Count", "HTTP_Fixed_Response_Count"}),
        (503, {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_503_Count", "HTTP_Fixed_Response_Count"}),
        (200, {"HTTP_Fixed_Response_Count"}),
        (301, {"HTTPCode_ELB_3XX_Count", "HTTP_Redirect_Count"}),
    ],
)
def test_what_the_listener_answers_is_no_groups(tmp_path: Path, status: int, counted: set[str]) -> None:
    bucket = measured(tmp_path / "access.log", NO_GROUP, colour=None, target_us=None, status=status)
    assert seen(bucket, BALANCER) == counted


def test_no_flag_means_two_things() -> None:
    flags = [flag for outcome in OUTCOMES for flag in outcome.flags]
    assert len(flags) == len(set(flags))


def test_counts_add_up_and_are_scaled() -> None:
    first, second = Bucket(connection_errors=1), Bucket(connection_errors=2)
    first.balancer[502], second.balancer[502], second.balancer[503] = 1, 2, 4
    assert point(metric("TargetConnectionErrorCount"), [first, second], 10) == 30
    assert point(metric("HTTPCode_ELB_502_Count"), [first, second], 10) == 30
    assert point(metric("HTTPCode_ELB_5XX_Count"), [first, second], 10) == 70
    assert point(metric("HTTPCode_ELB_504_Count"), [first, second], 10) is None


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 540), ("SampleCount", 540), ("Average", 1), ("Maximum", 1), ("Minimum", 1), ("p99", 1)],
)
def test_any_other_statistic_of_a_count_is_1(statistic: str, expected: float) -> None:
    bucket = Bucket()
    bucket.statuses[5] = 9
    assert point(metric("HTTPCode_Target_5XX_Count", GROUP, statistic), [bucket], 60) == expected


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [
        # None of the load balancer's own answers names a target group.
        *((name, GROUP) for name in (*OWN, "HTTP_Fixed_Response_Count", "HTTP_Redirect_Count")),
        # The health of targets is told per group alone, and no metric without the load balancer.
        ("UnHealthyHostCount", BALANCER),
        ("HTTPCode_Target_5XX_Count", {"TargetGroup": GROUP["TargetGroup"]}),
        ("RequestCount", {}),
    ],
)
def test_dimensions_that_the_balancer_does_not_send_have_no_data(name: str, dimensions: dict[str, str]) -> None:
    full = Bucket(requests=9, connection_errors=9, unhealthy=9, healthy=9)
    for status in (301, 400, 500, 502, 503, 504):
        full.balancer[status] = full.by_listener[status] = full.statuses[status // 100] = 9
    asked = metric(name, dimensions)
    assert can_measure(asked)
    assert not has_data(asked)
    assert point(asked, [full], 1) is None


def test_a_metric_is_about_the_group_that_it_names() -> None:
    colours = {"B": "blue", "G": "green"}
    assert groups(metric("RequestCount", GROUP), colours) == ("green",)
    assert groups(metric("RequestCount"), colours) == ("blue", "green", NO_GROUP)
    assert groups(metric("RequestCount", GROUP | {"TargetGroup": '{"Ref": "X"}'}), colours) == ()


def test_the_databases_metrics_cannot_be_measured() -> None:
    assert not can_measure(Metric(namespace="AWS/RDS", name="CPUUtilization", dimensions={}, statistic="Average"))


def test_a_request_is_found_by_its_number(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    lines = [
        line(number="7", status=200),
        line(number="8", status=500),
        line(number="9", status=502, flags="UC", target_us=None),
        line(),
    ]
    # The last line is still being written.
    log.write_text("\n".join([*map(json.dumps, lines), '{"number": "10", "sta']), "utf-8")
    found = numbered(log, ["7", "8", "9", "11"])
    assert {number: entry.cause for number, entry in found.items()} == {
        "7": "",
        "8": "green answered 500",
        "9": "the target closed the connection without an answer (green): the load balancer answered 502",
    }


@pytest.mark.parametrize("speed", [1, 7, 50, 60, 100, 150, 600])
def test_a_minute_of_the_plan_is_one_slice_at_any_speed(tmp_path: Path, speed: float) -> None:
    slice_s = 60 / speed
    for began in range(1_764_000_000, 1_764_000_100):
        clock = Clock(start=slice_s * math.ceil(began / slice_s), speed=speed)
        measurements = Measurements(tmp_path / "access.log", slice_s=slice_s)
        ends = [clock.real(60 * minute) for minute in range(6)]
        for minute, at in enumerate(ends[:-1], start=1):
            measurements.observe_hosts(at + slice_s / 2, "green", Hosts(total=minute, unhealthy=0))
        found = [measurements.bucket("green", start, end).healthy for start, end in pairwise(ends)]
        assert found == [1, 2, 3, 4, 5]
