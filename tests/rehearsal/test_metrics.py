"""The access log becomes the load balancer's metrics."""

import json
import time
from pathlib import Path

import pytest

from seachange.evaluation import Metric
from seachange.rehearsal.metrics import Bucket, Measurements, can_measure, point

NAMES = ("TargetConnectionErrorCount", *(f"HTTPCode_ELB_{code}_Count" for code in ("5XX", "502", "503", "504")))


def metric(name: str) -> Metric:
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions={}, statistic="Sum")


def measured(log: Path, flags: str, status: int) -> Bucket:
    """One request, as the load balancer wrote it down."""
    now = time.time()
    entry = {"start": now, "duration_us": 500, "target_us": None, "colour": "green", "status": status, "flags": flags}
    log.write_text(json.dumps(entry) + "\n", "utf-8")
    with Measurements(log, slice_s=1) as measurements:
        pass
    return measurements.bucket("green", now - 1, now + 2)


@pytest.mark.parametrize(
    ("flags", "status", "requests", "counted"),
    [
        ("-", 200, 1, set()),
        ("-", 503, 1, set()),
        ("UF", 503, 1, {"TargetConnectionErrorCount", "HTTPCode_ELB_502_Count"}),
        ("UF,URX", 503, 1, {"TargetConnectionErrorCount", "HTTPCode_ELB_502_Count"}),
        ("UC", 503, 1, {"HTTPCode_ELB_502_Count"}),
        ("UH", 503, 0, {"HTTPCode_ELB_503_Count"}),
        ("UT", 504, 1, {"HTTPCode_ELB_504_Count"}),
        ("UC", 200, 1, set()),
    ],
)
def test_whose_error_it_is(tmp_path: Path, flags: str, status: int, requests: int, counted: set[str]) -> None:
    bucket = measured(tmp_path / "access.log", flags, status)
    assert bucket.requests == requests
    expected = counted | ({"HTTPCode_ELB_5XX_Count"} if counted else set())
    assert {name for name in NAMES if point(metric(name), [bucket], 1)} == expected
    assert bool(bucket.statuses[status // 100]) == (not counted)


def test_counts_add_up_and_are_scaled() -> None:
    first, second = Bucket(connection_errors=1), Bucket(connection_errors=2)
    first.balancer[502], second.balancer[502], second.balancer[503] = 1, 2, 4
    assert point(metric("TargetConnectionErrorCount"), [first, second], 10) == 30
    assert point(metric("HTTPCode_ELB_502_Count"), [first, second], 10) == 30
    assert point(metric("HTTPCode_ELB_5XX_Count"), [first, second], 10) == 70
    assert point(metric("HTTPCode_ELB_504_Count"), [first, second], 10) is None


def test_all_of_them_can_be_measured_and_the_databases_cannot() -> None:
    assert all(can_measure(metric(name)) for name in NAMES)
    assert not can_measure(Metric(namespace="AWS/RDS", name="CPUUtilization", dimensions={}, statistic="Average"))
