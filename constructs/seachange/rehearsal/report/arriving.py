"""What a report lacks until the run measures it. To be removed with the last of these keys."""

from collections.abc import Mapping
from typing import Any

_NOTHING: dict[str, Any] = {
    "at_fault": None,
    "started_at": "1970-01-01T00:00:00Z",
    "releases": {"blue": "blue", "green": "green"},
    "engine": "CodeDeploy",
    "rate": 0.0,
    "rows": 0,
    "aa": {
        "duration_s": 0.0,
        "p50_difference_ms": 0.0,
        "p99_difference_ms": 0.0,
        "p50_interval_ms": [0.0, 0.0],
        "p99_interval_ms": [0.0, 0.0],
        "passed": True,
    },
    "latency_claims": [],
    "incidents": {"failed": 0, "slow": 0, "slow_above_ms": 100.0, "causes": [], "listed": []},
    "recommendations": [],
    "repeat": "",
}
_MACHINE = {
    "cpu_percent": {"p50": 0.0, "max": 0.0},
    "send_lag_ms": {"p50": 0.0, "p99": 0.0, "max": 0.0},
    "faults": [],
}
_ALARM = {
    "exercised": True,
    "decides_up_to_speed": None,
    "requests_per_period": 0.0,
    "why_not": None,
    "cannot_see": None,
}


def filled(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report with every key that is still to come."""
    if "timeline" not in report:
        return dict(report)
    timeline = {"colours": [], "phases": [], "alarms": [], "migration": [], "lock_waits": []} | report["timeline"]
    seconds = [{"p90_ms": second["p50_ms"], "max_ms": second["p99_ms"]} | second for second in timeline["seconds"]]
    return (
        _NOTHING
        | dict(report)
        | {
            "machine": _MACHINE | report["machine"],
            "migration": {"costs": []} | report["migration"],
            "alarms": [_ALARM | alarm for alarm in report["alarms"]],
            "timeline": timeline | {"seconds": seconds},
        }
    )
