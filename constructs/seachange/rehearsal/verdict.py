"""Judges what happened, as the report that machines read (`seachange.rehearsal/1`; docs/design.md describes each field)."""

import math
import os
import platform
from collections.abc import Sequence
from typing import Any

from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.load import Record
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.run import BASELINE_ENDS, MINUTE_S, local_health_interval_s
from seachange.rehearsal.watch import VISIBLE_AFTER_S

SCHEMA = "seachange.rehearsal/1"


def judge(plan: Plan, options: Options, outcome: Outcome) -> dict[str, Any]:
    """The whole report as JSON-able data."""
    reasons = _reasons(outcome)
    return {
        "schema": SCHEMA,
        "verdict": "fail" if reasons else "pass",
        "reasons": reasons,
        "drill": options.drill.name,
        "speed": options.speed,
        "requests": {
            "total": len(outcome.records),
            "failed": sum(bool(record.problem) for record in outcome.records),
            "by_colour": {
                colour: sum(bucket.requests for at, of, bucket in outcome.slices if _build(outcome, at, of) == colour)
                for colour in COLOURS
            },
        },
        "latency_ms": _latencies(outcome),
        "send_lag_ms": _spread([record.lag_s for record in outcome.records]),
        "machine": {
            "cpus": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "root": os.geteuid() == 0,
        },
        "not_rehearsed": not_rehearsed(plan, options, outcome),
        "migration": _migration(outcome),
        "shift": _shift(plan, outcome),
        "alarms": _alarms(plan, outcome),
        "rolled_back": outcome.ending.kind == "rolls-back",
        "outcome": {"kind": outcome.ending.kind, "why": outcome.ending.why},
        "smoke": [] if outcome.smoke is None else [_step(step) for step in outcome.smoke.steps],
        "data": {
            "rows_checked": outcome.comparison.rows_checked if outcome.comparison else 0,
            "divergent": outcome.comparison.divergent if outcome.comparison else 0,
            "divergent_keys": list(outcome.comparison.examples) if outcome.comparison else [],
        },
        "phases": [{"name": name, "at_s": round(at - outcome.started, 2)} for name, at in outcome.phases],
        "timeline": _timeline(outcome),
    }


def _build(outcome: Outcome, at: float, colour: str) -> str:
    """Whose build answered in a slice: in the baseline blue's stands in both groups."""
    return "blue" if at < (outcome.began(BASELINE_ENDS) or math.inf) else colour


def _reasons(outcome: Outcome) -> list[str]:
    words = {
        "rolls-back": "was rolled back",
        "stops": "was stopped, without automatic rollback,",
        "refused": "was refused",
    }
    reasons = []
    if outcome.ending.kind != "completes":
        reasons.append(f"the deployment {words[outcome.ending.kind]} {outcome.ending.why}")
    if outcome.kept_idle is False:
        reasons.append(
            "the service closes idle connections before the load balancer does: requests that meet a closing connection fail with 502; "
            "raise the server's keep-alive above the load balancer's idle timeout"
        )
    failed_requests = [record for record in outcome.records if record.problem]
    if failed_requests:
        reasons.append(
            f"{len(failed_requests)} of {len(outcome.records)} requests failed, the first with {failed_requests[0].problem}"
        )
    if not outcome.records:
        reasons.append("no request was sent: nothing is proven")
    if outcome.comparison and outcome.comparison.divergent:
        keys = ", ".join(outcome.comparison.examples)
        reasons.append(
            f"{outcome.comparison.divergent} of {outcome.comparison.rows_checked} rows differ between blue's and green's view, such as {keys}"
        )
    if outcome.comparison and not outcome.comparison.rows_checked:
        reasons.append("the views hold no row: nothing is proven about the data")
    return reasons


def _latencies(outcome: Outcome) -> dict[str, dict[str, float]]:
    """Client latencies, from the intended time, before the migration, during it, and from the first shifted request on."""
    begins = dict(outcome.phases)
    periods = {
        "baseline": (begins["baseline"], begins[BASELINE_ENDS]),
        "migration": (begins["migration"], begins.get("green: tasks start", math.inf)),
        "shift": (begins.get("shift", math.inf), math.inf),
    }
    latencies: dict[str, dict[str, float]] = {}
    for name, (start, end) in periods.items():
        samples = [record.latency_s for record in outcome.records if start <= record.intended < end]
        latencies[name] = _spread(samples)
    return latencies


def _spread(samples: Sequence[float]) -> dict[str, float]:
    if not samples:
        return {}
    return {
        "p50": round(1000 * percentile(samples, 50), 2),
        "p99": round(1000 * percentile(samples, 99), 2),
        "max": round(1000 * max(samples), 2),
    }


def _migration(outcome: Outcome) -> dict[str, Any]:
    """What the migration answered; empty texts and zeros for one that did not take place."""
    attributes = outcome.migration
    return {
        "from": attributes.get("From", ""),
        "to": attributes.get("To", ""),
        "revisions": [revision for revision in attributes.get("Revisions", "").split(",") if revision],
        "duration_s": float(attributes.get("DurationSeconds", 0)),
        "max_lock_wait_ms": float(attributes.get("MaxLockWaitMilliseconds", 0)),
        "rows_backfilled": int(attributes.get("RowsBackfilled", 0)),
    }


def _shift(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The weights as they were set, on the plan's clock, with the share that green really got, beside what the plan wanted."""
    clock = outcome.clock
    steps: list[dict[str, Any]] = []
    if clock is not None:
        set_at = [(at, weight) for at, weight in outcome.weights if at >= clock.start - 1e-3]
        ends = [at for at, _ in set_at[1:]] + [math.inf]
        steps = [
            {
                "at_s": round(clock.plan(at), 1),
                "green_weight": weight,
                "green_percent_measured": _green_percent(outcome, clock, at, end),
            }
            for (at, weight), end in zip(set_at, ends, strict=True)
        ]
    return {
        "planned": [{"at_s": step.at_s, "green_weight": step.green_weight} for step in plan.shift.steps],
        "steps": steps,
        "duration_s": round(steps[-1]["at_s"] - steps[0]["at_s"], 1) if steps else 0.0,
        "bake_s": plan.shift.bake_s,
    }


def _green_percent(outcome: Outcome, clock: Clock, start: float, end: float) -> float | None:
    """Green's percent of the requests that the load balancer logged between two moments, by slices; None without any."""
    half = MINUTE_S / clock.speed / 2
    counts = {
        colour: sum(
            bucket.requests for at, of, bucket in outcome.slices if of == colour and start - half <= at < end - half
        )
        for colour in COLOURS
    }
    total = sum(counts.values())
    return round(100 * counts["green"] / total, 1) if total else None


def _alarms(plan: Plan, outcome: Outcome) -> list[dict[str, Any]]:
    if outcome.watch is None:
        return []
    return [
        {
            "name": watched.alarm.name,
            "direction": watched.direction,
            "decisive": watched.alarm.name in plan.shift.decisive,
            "condition": f"{watched.alarm.expression} {watched.alarm.comparison} {watched.alarm.threshold:g}",
            "periods_evaluated": len(watched.points),
            "state": watched.state,
            "fired": watched.fired,
            "changes": [{"at_s": round(at, 1), "state": state} for at, state in watched.changes],
        }
        for watched in outcome.watch.alarms
    ]


def _step(step: Any) -> dict[str, Any]:
    return {"name": step.name, "status": step.status, "duration_ms": step.duration_ms, "problem": step.problem}


def _timeline(outcome: Outcome) -> dict[str, Any]:
    """What the page plots: weights, and per second of the rehearsal its requests, failures and latencies."""
    seconds: dict[int, list[Record]] = {}
    for record in outcome.records:
        seconds.setdefault(int(record.intended - outcome.started), []).append(record)
    return {
        "weights": [{"at_s": round(at - outcome.started, 2), "green_weight": weight} for at, weight in outcome.weights],
        "seconds": [
            {
                "at_s": second,
                "requests": len(records),
                "failed": sum(bool(record.problem) for record in records),
                "p50_ms": _spread([record.latency_s for record in records])["p50"],
                "p99_ms": _spread([record.latency_s for record in records])["p99"],
            }
            for second, records in sorted(seconds.items())
        ],
    }


def not_rehearsed(plan: Plan, options: Options, outcome: Outcome) -> list[str]:
    """What the stage substitutes or leaves out: none of it is proven by a pass."""
    interval = local_health_interval_s(plan.health, options.speed)
    entries = [
        "AWS itself: CloudFormation, CodeDeploy, ECS, CloudWatch and their permissions; their documented rules are followed here",
        "database host, port and instance: a PostgreSQL of this machine",
        "TLS to the database and its certificate authority: the local PostgreSQL has none (PGSSLMODE=disable)",
        "Secrets Manager: a local one, with secrets of its own; rotation",
        "the Lambda's packaged dependencies: the local ones ran the migrations of the asset",
        "the container image, CPU and memory limits: the start command of rehearsal.toml ran as a process",
        f"listener ports {plan.production_port} and {plan.test_port}, TLS and access to them: ports on the loopback interface",
        f"the health check's interval: {interval:g} s here, {plan.health.interval_s:g} s in the template",
        f"alarms: periods passed {options.speed:g} times as fast, counts scaled alike, metrics visible {VISIBLE_AFTER_S:g} s of the plan late",
        "autoscaling, stickiness, several zones",
    ]
    if plan.smoke is None:
        entries.append("smoke tests: the release has none; give it one with BlueGreenService(smoke_test=)")
    else:
        entries.append("the smoke test's Lambda function, its network and its time to start: its steps ran from here")
    if plan.green.sidecar is not None:
        entries.append(
            f"container {plan.green.sidecar}, which takes the traffic on AWS: the application was asked directly"
        )
    entries += [f"hook at {hook}: it can do anything, and runs on AWS alone" for hook in plan.hooks]
    entries += [f"alarm {alarm}" for alarm in plan.shift.unread_alarms]
    if outcome.watch is not None:
        entries += [
            f"alarm {name}: it reads metrics that this stage does not have, or asks for such an alarm"
            for name in outcome.watch.not_measured
        ]
    entries += [f"environment variable {name}: ECS fills it from a secret or parameter" for name in plan.green.secrets]
    return entries + [
        f"environment variable left out, its value is known only on AWS: {entry}" for entry in outcome.unresolved
    ]
