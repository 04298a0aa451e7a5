"""Reports as rehearsals write them, made up: what the tests of the page, of the JUnit file and of the summary render."""

import math
import random
from typing import Any

from tests.rehearsal import report_parts as parts

RATE = 300
PHASES = (
    ("baseline", 0.0, 10.0),
    ("before the migration", 10.0, 13.0),
    ("migration", 13.0, 21.4),
    ("green: tasks start", 21.4, 24.1),
    ("smoke tests", 24.1, 24.2),
    ("shift", 24.2, 52.0),
    ("bake", 52.0, 82.0),
    ("blue: ends", 82.0, 83.9),
    ("last answers", 83.9, 84.0),
)


def good(**changes: Any) -> dict[str, Any]:
    """A release that passes; `changes` replace whole keys."""
    weights = [(0.0, 50), (10.0, 0), *((parts.SHIFT + 3 * step, 10 * (step + 1)) for step in range(10))]
    return _report(weights, phases=PHASES, error_share=0.0, alarm_at=None) | changes


def bad(**changes: Any) -> dict[str, Any]:
    """A green that answers 500 to one request in twenty, behind a migration that once waited for a lock."""
    weights = [
        (0.0, 50),
        (10.0, 0),
        (parts.SHIFT, 10),
        (parts.SHIFT + 3, 20),
        (parts.SHIFT + 6, 30),
        (parts.SHIFT + 7.1, 0),
    ]
    phases = (
        *PHASES[:5],
        ("shift", 24.2, 32.1),
        ("green: ends", 32.1, 33.6),
        ("last answers", 33.6, 34.0),
    )
    report = _report(weights, phases=phases, error_share=0.05, alarm_at=parts.SHIFT + 7.0)
    failed = report["incidents"]["failed"]
    return (
        report
        | {
            "verdict": "fail",
            "at_fault": "release",
            "drill": "errors-5",
            "expectation": {
                "outcome": "rolls-back",
                "probability": 0.99975,
                "why": "4000 simulated releases at 300 requests/s and speed 60",
                "between_s": [420.0, 480.0],
            },
            "rolled_back": True,
            "outcome": {"kind": "rolls-back", "why": "by alarm ServiceAlarmsGreen5xxRate0A1B2C3D"},
            "reasons": [
                "the deployment was rolled back by alarm ServiceAlarmsGreen5xxRate0A1B2C3D",
                f"{failed} of {report['requests']['total']} requests failed, the first with status 500",
            ],
            "recommendations": [
                "alarm ServiceAlarmsGreenErrorsAgainstBlue0A1B2C3D needs 200 requests in both groups, and gets 90 of green's at weight 10:"
                " begin the shift at 20 percent, or lower ReleaseThresholds(comparison_requests=) to 80"
            ],
        }
        | changes
    )


def machine(**changes: Any) -> dict[str, Any]:
    """A rehearsal that proves nothing: the machine could not keep up."""
    report = good()
    report["machine"] |= {
        "cpu_percent": {"p50": 93.0, "max": 100.0},
        "send_lag_ms": {"p50": 2.1, "p99": 14.8, "max": 61.0},
        "faults": [
            "the load generator sent one request in a hundred more than 14.8 ms late; at most 5 ms are allowed",
            "the processors were busy for 93 % of the time; at most 85 % are allowed",
        ],
    }
    report["aa"]["passed"] = False
    report["latency_claims"] = [claim | {"decidable": False} for claim in report["latency_claims"]]
    reasons = ["the machine could not carry this load: nothing is proven about the release"]
    return report | {"verdict": "fail", "at_fault": "machine", "reasons": reasons} | changes


def drills(**changes: Any) -> dict[str, Any]:
    """What `--all-drills` writes: every kind of expectation, and one that was not met."""
    left_out = {"outcome": "not applicable", "requests": 0, "rows_checked": 0, "page": None}
    rows = [
        parts.drill("none", "completes", 0.0004),
        parts.drill("errors-1", "undecided", 0.31, outcome="completes", failed=84),
        parts.drill("errors-50", "rolls-back", 1.0, failed=412),
        parts.drill("breaks-blue", "refused", None),
        parts.drill("leak-in-bake", "rolls-back", 0.9996, outcome="completes", failed=2210),
        parts.drill("sticky", "not applicable", None, why="no target group of this template is sticky", **left_out),
    ]
    return {
        "schema": "seachange.drills/1",
        "verdict": "fail",
        "reasons": ["drill leak-in-bake: it should end with rolls-back, and ended with completes"],
        "started_at": "2026-11-25T12:53:58Z",
        "releases": {"blue": "customers/v1", "green": "customers/v2"},
        "drills": rows,
        "repeat": "seachange rehearse --all-drills --blue build/assembly/v1 --green build/assembly/v2",
    } | changes


def _report(
    weights: list[tuple[float, int]], *, phases: Any, error_share: float, alarm_at: float | None
) -> dict[str, Any]:
    draw = random.Random(7)
    end = phases[-1][2]
    seconds, colours, listed = [], [], []
    for at in range(int(end)):
        weight = next(weight for start, weight in reversed(weights) if start <= at) if at >= parts.SHIFT else 0
        stalled = alarm_at is not None and at == 16
        samples = sorted(
            draw.lognormvariate(math.log(2.4), 0.35) + (draw.uniform(0, 410) if stalled else 0) for _ in range(RATE)
        )
        green = sum(draw.random() < weight / 100 for _ in range(RATE))
        errors = sum(draw.random() < error_share for _ in range(green))
        seconds.append(
            {"at_s": at, "requests": RATE, "failed": errors, "max_ms": round(samples[-1] + draw.expovariate(0.2), 2)}
            | {f"p{p}_ms": round(samples[RATE * p // 100 - 1], 2) for p in (50, 90, 99)}
        )
        colours.append(
            {
                "at_s": at,
                "duration_s": 1,
                "blue": RATE - green,
                "green": green,
                "blue_errors": 0,
                "green_errors": errors,
            }
        )
        listed += [
            parts.incident(at + draw.random(), "green", 500, 3.1, "status 500", "green answered 500")
            for _ in range(errors)
        ]
        if stalled:
            listed += [parts.incident(at + n / 40, "blue", 200, 410 - 10 * n, "", parts.LOCK) for n in range(30)]
    failed = sum(second["failed"] for second in seconds)
    alarms = [parts.alarm(colour, kind, alarm_at) for colour in ("Green", "Blue") for kind in parts.KINDS]
    return {
        "schema": "seachange.rehearsal/1",
        "verdict": "pass",
        "at_fault": None,
        "reasons": [],
        "started_at": "2026-11-25T12:53:58Z",
        "releases": {"blue": "customers/v1", "green": "customers/v2"},
        "drill": "none",
        "engine": "CodeDeploy",
        "speed": 60.0,
        "rate": float(RATE),
        "rows": 1_000_000,
        "requests": {
            "total": RATE * len(seconds),
            "failed": failed,
            "by_colour": {of: sum(entry[of] for entry in colours) for of in ("blue", "green")},
        },
        "latency_ms": {
            "baseline": {"p50": 2.3, "p99": 5.63, "max": 43.13},
            "migration": {"p50": 2.59, "p99": 13.34, "max": 411.9 if alarm_at else 49.9},
            "shift": {"p50": 2.43, "p99": 5.44, "max": 19.17},
        },
        "send_lag_ms": {"p50": 0.18, "p99": 1.44, "max": 7.51},
        "machine": {
            "cpus": 2,
            "platform": "Linux-6.18-x86_64-with-glibc2.36",
            "python": "3.11.7",
            "root": False,
            "cpu_percent": {"p50": 61.0, "max": 78.0},
            "send_lag_ms": {"p50": 0.18, "p99": 1.44, "max": 7.51},
            "faults": [],
        },
        "aa": {
            "duration_s": 10.0,
            "p50_difference_ms": 0.02,
            "p50_interval_ms": [-0.11, 0.14],
            "p99_difference_ms": 0.31,
            "p99_interval_ms": [-1.2, 1.7],
            "passed": True,
        },
        "latency_claims": [
            parts.claim(50, 0.38, [0.2, 0.55]),
            parts.claim(99, 0.9, [-1.4, 2.1]),
        ],
        "migration": {
            "from": "0001",
            "to": "0003",
            "revisions": ["0002", "0003"],
            "duration_s": 8.1,
            "max_lock_wait_ms": 412.0 if alarm_at else 3.2,
            "rows_backfilled": 1_000_208,
            "costs": [
                parts.cost("0002", duration_s=0.42, lock_wait_ms=412.0 if alarm_at else 3.2, rows=0, wal=81_920),
                parts.cost("0003", duration_s=7.61, lock_wait_ms=0.4, rows=1_000_208, wal=412_876_800),
            ],
        },
        "shift": {
            "planned": [{"at_s": 180.0 * n, "green_weight": 10 * (n + 1)} for n in range(10)],
            "steps": [
                {
                    "at_s": round(60 * (at - parts.SHIFT), 1),
                    "green_weight": weight,
                    "green_percent_measured": float(weight),
                }
                for at, weight in weights[2:]
            ],
            "duration_s": round(60 * (weights[-1][0] - parts.SHIFT), 1),
            "bake_s": 1800.0,
            "last_green_after_decision_s": 0.031 if alarm_at else None,
        },
        "alarms": alarms,
        "rolled_back": False,
        "expectation": None,
        "not_performed": [],
        "unexplained_failures": 0,
        "kept_idle": None,
        "tasks_died": [],
        "outcome": {"kind": "completes", "why": ""},
        "smoke": [
            parts.smoke_step("health: the new release, on the schema that it needs", 200),
            parts.smoke_step("a taken e-mail is refused", 409),
        ],
        "data": {"rows_checked": 1_002_169, "divergent": 0, "rows_lost": 0, "divergent_keys": []},
        "phases": [{"name": "stage", "at_s": -9.2}, *({"name": name, "at_s": start} for name, start, _ in phases)],
        "timeline": {
            "weights": [{"at_s": at, "green_weight": weight} for at, weight in weights],
            "seconds": seconds,
            "colours": colours,
            "phases": [
                {"name": "seed 1,000,000 rows", "from_s": -9.2, "to_s": 0.0},
                *({"name": name, "from_s": start, "to_s": until} for name, start, until in phases),
            ],
            "alarms": [
                {"name": alarm["name"], "at_s": round(parts.SHIFT + change["at_s"] / 60, 2), "state": change["state"]}
                for alarm in alarms
                for change in alarm["changes"]
            ],
            "migration": [
                {"revision": "0002", "phase": "expand", "from_s": 13.1, "to_s": 13.52},
                {"revision": "0003", "phase": "expand", "from_s": 13.52, "to_s": 21.2},
            ],
            "lock_waits": [
                parts.wait(13.2, 1, 3.2, "UPDATE customers SET …"),
                *([parts.wait(16.3, 30, 412.0, "SELECT id, name FROM customers WHERE id = $1")] if alarm_at else []),
            ],
        },
        "incidents": {
            "failed": failed,
            "slow": len(listed) - failed,
            "slow_above_ms": 100.0,
            "causes": [
                {"cause": "green answered 500", "failed": failed, "slow": 0},
                {"cause": parts.LOCK, "failed": 0, "slow": len(listed) - failed},
            ]
            if listed
            else [],
            "listed": sorted(listed, key=lambda incident: (not incident["problem"], incident["at_s"]))[:200],
        },
        "not_rehearsed": [
            "AWS itself: CloudFormation, CodeDeploy, ECS, CloudWatch and their permissions; their documented rules are followed here",
            "CPU and memory limits; and the container image, unless rehearsal.toml names one: the start command ran as a process",
            'environment variable left out, its value is known only on AWS: MACHINE = {"Fn::GetAtt": ["MigrationsFunctionLongWay0DAEBADA", "Arn"]}',
        ],
        "recommendations": [],
        "repeat": "seachange rehearse --config service/rehearsal.toml --blue build/assembly/v1 --green build/assembly/v2 --rate 300",
    }
