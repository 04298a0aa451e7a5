"""Judges what happened, as the report that machines read (`seachange.rehearsal/1`; docs/guide/report.md describes each key)."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Plan
from seachange.rehearsal import alarm_figures, figures
from seachange.rehearsal.access_log import ANSWERED, NO_TARGET, Entry
from seachange.rehearsal.comparisons import aa, aa_report, claim_report, latency_claims
from seachange.rehearsal.drills import Drill
from seachange.rehearsal.incidents import find
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.machine import faults
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.not_rehearsed import not_rehearsed
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import BASELINE, Outcome
from seachange.rehearsal.phases import window, within
from seachange.rehearsal.surroundings import surroundings
from seachange.rehearsal.timeline import timeline

SCHEMA = "seachange.rehearsal/1"
_WORDS = {
    "rolls-back": "was rolled back",
    "stops": "was stopped, without automatic rollback,",
    "refused": "was refused",
}


def judge(plan: Plan, options: Options, outcome: Outcome, *, repeat: str) -> dict[str, Any]:
    """The whole report as JSON-able data.

    Args:
        repeat: The command line that repeats this rehearsal.
    """
    reasons = _reasons(plan, outcome)
    lags = [record.lag_s for record in outcome.records]
    send_lag = figures.spread(lags)
    found = aa(outcome)
    blamed = faults(outcome.cpu_percent, lags, found)
    baseline = within(outcome.records, *window(outcome, BASELINE))
    p99_s = percentile([record.latency_s for record in baseline] or [0.0], 99)
    incidents = find(
        outcome.records,
        outcome.logged,
        surroundings(outcome),
        baseline_p99_s=p99_s,
        green_from=outcome.green_from,
    )
    return {
        "schema": SCHEMA,
        "verdict": "fail" if reasons else "pass",
        # What a machine at its limit does to requests says nothing of the release.
        "at_fault": None if not reasons else "machine" if blamed else "release",
        "reasons": reasons,
        "started_at": datetime.fromtimestamp(outcome.started, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "releases": {"blue": plan.blue.name, "green": plan.green.name},
        "drill": options.drill.name,
        "outcome": {"kind": outcome.ending.kind, "why": outcome.ending.why},
        "expectation": None if outcome.expectation is None else asdict(outcome.expectation),
        "not_performed": outcome.not_performed,
        "unexplained_failures": len(unexplained(options.drill, outcome)),
        "kept_idle": outcome.kept_idle,
        "engine": plan.shift.engine,
        "speed": options.speed,
        "rate": options.rate,
        "rows": options.rows,
        "requests": figures.requests(outcome),
        "latency_ms": figures.latencies(outcome),
        "send_lag_ms": send_lag,
        "machine": {
            "cpus": os.cpu_count(),
            "platform": platform.platform(),
            "python": platform.python_version(),
            "root": os.geteuid() == 0,
            "cpu_percent": _median_and_most(outcome.cpu_percent),
            "send_lag_ms": send_lag,
            "faults": blamed,
        },
        "aa": None if found is None else aa_report(found),
        "latency_claims": [] if found is None else [claim_report(claim) for claim in latency_claims(outcome, found)],
        "incidents": incidents.report(started=outcome.started),
        "not_rehearsed": not_rehearsed(plan, options, outcome),
        "migration": figures.migration(outcome),
        "shift": figures.shift(plan, outcome),
        "alarms": alarm_figures.alarms(plan, options, outcome),
        "rolled_back": outcome.ending.kind == "rolls-back",
        "tasks_died": [
            {"name": death.name, "at_s": round(death.at - outcome.started, 2), "reason": death.reason}
            for death in outcome.deaths
        ],
        "smoke": [] if outcome.smoke is None else [_step(step) for step in outcome.smoke.steps],
        "data": {
            "rows_checked": outcome.comparison.rows_checked if outcome.comparison else 0,
            "divergent": outcome.comparison.divergent if outcome.comparison else 0,
            "rows_lost": rows_lost(outcome),
            "divergent_keys": list(outcome.comparison.examples) if outcome.comparison else [],
        },
        "phases": [{"name": name, "at_s": round(at - outcome.started, 2)} for name, at in outcome.phases],
        "timeline": timeline(outcome),
        "recommendations": alarm_figures.recommendations(plan, options, outcome),
        "repeat": repeat,
    }


def _reasons(plan: Plan, outcome: Outcome) -> list[str]:
    reasons = []
    if outcome.ending.kind != "completes":
        reasons.append(f"the deployment {_WORDS[outcome.ending.kind]} {outcome.ending.why}")
    if outcome.kept_idle is False:
        reasons.append(
            "the service closes idle connections before the load balancer does: requests that meet a closing connection fail with 502; "
            "raise the server's keep-alive above the load balancer's idle timeout"
        )
    failed_requests = [record for record in outcome.records if record.problem]
    if failed_requests:
        reasons.append(
            f"{len(failed_requests):,} of {len(outcome.records):,} requests failed, the first with {failed_requests[0].problem}"
        )
    if plan.listener.is_sticky and (left := _left_behind(outcome, failed_requests)):
        reasons.append(
            f"{left:,} of them came from clients whose cookie names a target group that had no task any more: stickiness of target groups "
            "outranks the weights; leave it off in a blue/green deployment"
        )
    if not outcome.records:
        reasons.append("no request was sent: nothing is proven")
    if outcome.deaths and outcome.ending.kind == "completes":
        first = outcome.deaths[0]
        reasons.append(f"{len(outcome.deaths)} tasks died and were replaced, the first, {first.name}, {first.reason}")
    if outcome.comparison and outcome.comparison.divergent:
        keys = ", ".join(outcome.comparison.examples)
        reasons.append(
            f"{outcome.comparison.divergent:,} of {outcome.comparison.rows_checked:,} rows differ between blue's and green's view, such as {keys}"
        )
    if lost := rows_lost(outcome):
        reasons.append(f"{lost:,} rows are lost that the load had added, as it was told")
    if outcome.comparison and not outcome.comparison.rows_checked:
        reasons.append("the views hold no row: nothing is proven about the data")
    return reasons


def _left_behind(outcome: Outcome, failed: Sequence[Record]) -> int:
    return sum(
        (entry := outcome.logged.get(record.number)) is not None and entry.outcome is NO_TARGET for record in failed
    )


def unexplained(drill: Drill, outcome: Outcome) -> list[Record]:
    """The failed requests that the drill does not fail: all, or those that met something else than the fault of their colour."""
    failed = [record for record in outcome.records if record.problem]
    if not drill.loses_requests:
        return failed
    faults = {"green": drill.green, "blue": drill.blue}
    if not any(fault != NO_FAULT for fault in faults.values()):
        return []
    # In the baseline nothing is wrong yet.
    return [
        record
        for record in failed
        if (entry := outcome.logged.get(record.number)) is None
        or record.sent < outcome.green_from
        or not _made(faults.get(entry.group, NO_FAULT), entry)
    ]


def _made(fault: Fault, entry: Entry) -> bool:
    """Whether a failure is one that the fault makes: its 500, or its closed connection."""
    if fault.unhealthy and entry.outcome is not ANSWERED:
        # The load balancer fails open, to replacements that do not listen yet too.
        return True
    if entry.outcome is ANSWERED:
        return bool(fault.errors) and entry.status == 500
    return bool(fault.resets) and entry.status == 502 and not entry.outcome.connection_error


def _median_and_most(percent: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(percent, 50), "max": max(percent)} if percent else {}


def rows_lost(outcome: Outcome) -> int:
    """By how many rows the views fall short of those that were there and those that answered requests added.

    A failed request may have been carried out all the same: one that takes rows away counts as if it had been.
    """
    if outcome.comparison is None:
        return 0
    added = sum(record.adds for record in outcome.records if not record.problem or record.adds < 0)
    return max(0, outcome.rows_before + added - outcome.comparison.rows_checked)


def _step(step: Any) -> dict[str, Any]:
    return {"name": step.name, "status": step.status, "duration_ms": step.duration_ms, "problem": step.problem}
