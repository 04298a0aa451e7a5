"""What the report shows of a rehearsal in numbers: each function is a key of report.json."""

import math
from collections.abc import Sequence
from typing import Any

from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.outcome import BASELINE, Outcome
from seachange.rehearsal.phases import window, within


def spread(samples: Sequence[float]) -> dict[str, float]:
    """p50, p99 and max of seconds, in milliseconds; nothing of nothing."""
    if not samples:
        return {}
    return {
        "p50": round(1000 * percentile(samples, 50), 2),
        "p99": round(1000 * percentile(samples, 99), 2),
        "max": round(1000 * max(samples), 2),
    }


def requests(outcome: Outcome) -> dict[str, Any]:
    by_colour = dict.fromkeys(COLOURS, 0)
    for record in outcome.records:
        entry = outcome.logged.get(record.number)
        if entry is not None and entry.group in by_colour:
            # In the baseline blue's build stands in both groups.
            by_colour["blue" if record.sent < outcome.green_from else entry.group] += 1
    return {
        "total": len(outcome.records),
        "failed": sum(bool(record.problem) for record in outcome.records),
        "by_colour": by_colour,
    }


def latencies(outcome: Outcome) -> dict[str, dict[str, float]]:
    """Client latencies, from the intended time, before the migration, during it, and from the first shifted request on."""
    shift = outcome.began("shift")
    spans = {
        "baseline": window(outcome, BASELINE),
        "migration": window(outcome, "migration"),
        "shift": (math.inf if shift is None else shift, math.inf),
    }
    return {
        name: spread([record.latency_s for record in within(outcome.records, *span)]) for name, span in spans.items()
    }


def migration(outcome: Outcome) -> dict[str, Any]:
    """What the migration answered; empty texts and zeros for one that did not take place."""
    attributes = outcome.migration
    return {
        "from": attributes.get("From", ""),
        "to": attributes.get("To", ""),
        "revisions": [revision for revision in attributes.get("Revisions", "").split(",") if revision],
        "duration_s": float(attributes.get("DurationSeconds", 0)),
        "max_lock_wait_ms": float(attributes.get("MaxLockWaitMilliseconds", 0)),
        "rows_backfilled": int(attributes.get("RowsBackfilled", 0)),
        "costs": [
            {
                "revision": span.revision,
                "phase": "expand",
                "duration_s": round(span.end - span.start, 2),
                "lock_wait_ms": round(1000 * span.lock_wait_s, 1),
                "rows_backfilled": span.rows_backfilled,
                "wal_bytes": span.wal_bytes,
            }
            for span in outcome.spans
        ],
    }


def shift(plan: Plan, outcome: Outcome) -> dict[str, Any]:
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
                "green_percent_measured": _green_percent(outcome, at, end),
            }
            for (at, weight), end in zip(set_at, ends, strict=True)
        ]
    return {
        "planned": [{"at_s": step.at_s, "green_weight": step.green_weight} for step in plan.shift.steps],
        "steps": steps,
        "duration_s": round(steps[-1]["at_s"] - steps[0]["at_s"], 1) if steps else 0.0,
        "bake_s": plan.shift.bake_s,
        "last_green_after_decision_s": _last_green(outcome),
    }


def _green_percent(outcome: Outcome, start: float, end: float) -> float | None:
    """Green's percent of the requests that left between two moments; None without any."""
    groups = [
        entry.group
        for record in within(outcome.records, start, end)
        if (entry := outcome.logged.get(record.number)) and entry.group in COLOURS
    ]
    return round(100 * groups.count("green") / len(groups), 1) if groups else None


def _last_green(outcome: Outcome) -> float | None:
    """Seconds from the decision to take traffic back to the last request that was still sent to green; None without a rollback after the shift."""
    if outcome.ending.kind != "rolls-back" or outcome.clock is None:
        return None
    sent = [
        record.sent
        for record in outcome.records
        if (entry := outcome.logged.get(record.number)) and entry.group == "green"
    ]
    return round(max(0.0, max(sent, default=outcome.ending.at) - outcome.ending.at), 3)
