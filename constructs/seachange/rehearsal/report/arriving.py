"""What a report lacks until the run measures it. To be removed with the last of these keys."""

from collections.abc import Mapping
from typing import Any

_NOTHING: dict[str, Any] = {
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
}
_MACHINE = {
    "cpu_percent": {"p50": 0.0, "max": 0.0},
    "send_lag_ms": {"p50": 0.0, "p99": 0.0, "max": 0.0},
    "faults": [],
}


def filled(report: Mapping[str, Any]) -> dict[str, Any]:
    """The report with every key that is still to come."""
    if "timeline" not in report:
        return dict(report)
    return (
        _NOTHING
        | dict(report)
        | {
            "machine": _MACHINE | report["machine"],
            "migration": {"costs": []} | report["migration"],
            "alarms": [{"cannot_see": None} | alarm for alarm in report["alarms"]],
        }
    )
