"""The entries of the reports that `reports` makes up."""

from typing import Any

SHIFT = 25.0


LOCK = "waited for a lock of the migration's revision 0002"


KINDS = {
    "5xxRate": "IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0) GreaterThanThreshold 2",
    "P99": "IF(requests >= 50, p99, 0) GreaterThanThreshold 1",
    "Unhealthy": "unhealthy GreaterThanThreshold 0",
    "ErrorsAgainstBlue": "IF(requests >= 200 AND other_requests >= 200, 100 * FILL(errors, 0) / requests"
    " - 200 * FILL(other_errors, 0) / other_requests, 0) GreaterThanThreshold 1",
}


def alarm(colour: str, kind: str, alarm_at: float | None) -> dict[str, Any]:
    decisive = colour == "Green"
    fires = decisive and kind == "5xxRate" and alarm_at is not None
    exercised = kind != "ErrorsAgainstBlue"
    # One that is too seldom asked is well all the same: that is what must not pass for passed.
    changes = [{"at_s": 121.6, "state": "OK"}] if exercised or colour == "Blue" else []
    if fires and alarm_at is not None:
        changes.append({"at_s": round(60 * (alarm_at - SHIFT), 1), "state": "ALARM"})
    return {
        "name": f"ServiceAlarms{colour}{kind}0A1B2C3D",
        "direction": colour.lower(),
        "decisive": decisive,
        "condition": KINDS[kind],
        "periods_evaluated": 7 if alarm_at else 55,
        "state": "ALARM" if fires else "OK" if changes else "INSUFFICIENT_DATA",
        "fired": fires,
        "changes": changes,
        "exercised": exercised,
        "decides_up_to_speed": 360.0 if exercised else 27.0,
        "requests_per_period": 300.0 if exercised else 90.0,
        "why_not": None if exercised else "it needs 200 requests a period in both groups, and gets 90 at this speed",
        "cannot_see": "it reads UnHealthyHostCount; the targets stay healthy" if kind == "Unhealthy" else None,
    }


def incident(at: float, colour: str, status: int, latency_ms: float, problem: str, cause: str) -> dict[str, Any]:
    return {
        "at_s": round(at, 2),
        "method": "GET",
        "path": "/customers/{{id}}",
        "colour": colour,
        "status": status,
        "latency_ms": round(latency_ms, 1),
        "problem": problem,
        "cause": cause,
    }


def claim(percentile: int, difference_ms: float, interval_ms: list[float]) -> dict[str, Any]:
    return {
        "name": "green against blue",
        "percentile": percentile,
        "difference_ms": difference_ms,
        "interval_ms": interval_ms,
        "decidable": interval_ms[0] > 0 or interval_ms[1] < 0,
    }


def cost(revision: str, *, duration_s: float, lock_wait_ms: float, rows: int, wal: int) -> dict[str, Any]:
    return {
        "revision": revision,
        "phase": "expand",
        "duration_s": duration_s,
        "lock_wait_ms": lock_wait_ms,
        "rows_backfilled": rows,
        "wal_bytes": wal,
    }


def wait(at_s: float, waiting: int, longest_ms: float, statement: str) -> dict[str, Any]:
    return {
        "at_s": at_s,
        "waiting": waiting,
        "longest_ms": longest_ms,
        "statement": statement,
        "blocked_by": "the migration's revision 0002",
    }


def smoke_step(name: str, status: int) -> dict[str, Any]:
    return {"name": name, "status": status, "duration_ms": 5.1, "problem": None}


_DRILLS = {
    "none": "nothing goes wrong: a good release",
    "errors-1": "green answers 1 % of its requests with 500",
    "errors-50": "green answers 50 % of its requests with 500",
    "breaks-blue": "the release's expand migration drops a column that blue reads",
    "leak-in-bake": "green's connection pool runs dry in the middle of the bake",
    "sticky": "clients with the load balancer's cookie stay with their colour, also when its weight is 0",
}


def drill(name: str, expected: str, probability: float | None, **changes: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "what": _DRILLS[name],
        "expected": expected,
        "probability": probability,
        "outcome": expected,
        "why": "4000 simulated releases at 300 requests/s and speed 60",
        "requests": 25_200,
        "failed": 0,
        "rows_checked": 102_169,
        "divergent": 0,
        "page": f"{name}/report.html",
    } | changes
    decided = expected not in ("undecided", "not applicable")
    return made | {"as_expected": expected == made["outcome"] if decided else None}
