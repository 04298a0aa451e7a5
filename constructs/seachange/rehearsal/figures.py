"""What the report shows of a rehearsal in numbers: each function is a key of report.json."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.floors import Floor, floor
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.metrics import Bucket, percentile
from seachange.rehearsal.minutes import observed
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import BASELINE, BASELINE_ENDS, Outcome
from seachange.rehearsal.phases import window, within
from seachange.rehearsal.surroundings import blocked_by
from seachange.rehearsal.visibility import cannot_see, recommend
from seachange.rehearsal.watch import Watched


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
    baseline_ends = outcome.began(BASELINE_ENDS) or math.inf
    for entry in outcome.logged.values():
        # In the baseline blue's build stands in both groups.
        colour = "blue" if entry.at < baseline_ends else entry.group
        if colour in by_colour:
            by_colour[colour] += 1
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
        record.intended + record.lag_s
        for record in outcome.records
        if (entry := outcome.logged.get(record.number)) and entry.group == "green"
    ]
    return round(max(0.0, max(sent, default=outcome.ending.at) - outcome.ending.at), 3)


def alarms(plan: Plan, options: Options, outcome: Outcome) -> list[dict[str, Any]]:
    if outcome.watch is None:
        return []
    return [
        _alarm(plan, watched, floor(plan, watched, rate=options.rate, speed=options.speed), outcome.fault, options.rate)
        for watched in outcome.watch.alarms
    ]


def _alarm(plan: Plan, watched: Watched, found: Floor, fault: Fault, rate: float) -> dict[str, Any]:
    return {
        "name": watched.alarm.name,
        "direction": watched.direction,
        "decisive": watched.alarm.name in plan.shift.decisive,
        "condition": f"{watched.alarm.expression} {watched.alarm.comparison} {watched.alarm.threshold:g}",
        "periods_evaluated": len(watched.points),
        "state": watched.state,
        "fired": watched.fired,
        "changes": [{"at_s": round(at, 1), "state": state} for at, state in watched.changes],
        "exercised": found.exercised,
        "requests_per_period": found.requests_per_period,
        "decides_up_to_speed": found.decides_up_to,
        "why_not": found.why_not or None,
        "cannot_see": None if fault == NO_FAULT else cannot_see(plan.shift, watched.alarm, fault, rps=rate),
    }


def recommendations(plan: Plan, options: Options, outcome: Outcome) -> list[str]:
    """The alarm that could have seen what no decisive alarm sees: the drill's fault, else the worst minute that was measured."""
    if outcome.fault != NO_FAULT:
        return recommend(plan.shift, outcome.fault, rps=options.rate)
    worst = _worst_minute(outcome)
    return [] if worst is None else recommend(plan.shift, observed(*worst, speed=options.speed))


def _worst_minute(outcome: Outcome) -> tuple[Bucket, Bucket] | None:
    """Both groups' buckets of the minute of the shift or the bake in which green failed most; None when green failed nobody."""
    begins = math.inf if outcome.clock is None else outcome.clock.start
    buckets = {(at, group): bucket for at, group, bucket in outcome.slices if at >= begins}
    failed = {at: _failed(bucket) for (at, group), bucket in buckets.items() if group == "green" and _failed(bucket)}
    if not failed:
        return None
    at = max(failed, key=lambda start: failed[start])
    return buckets.get((at, "blue"), Bucket()), buckets[at, "green"]


def _failed(bucket: Bucket) -> int:
    return bucket.statuses.get(5, 0) + sum(bucket.balancer.values())


def timeline(outcome: Outcome) -> dict[str, Any]:
    """What the page plots on one axis, in seconds since the load began."""
    since = outcome.started
    ends = [at for _, at in outcome.phases[1:]]
    return {
        "weights": [{"at_s": round(at - since, 2), "green_weight": weight} for at, weight in outcome.weights],
        "phases": [
            {"name": name, "from_s": round(at - since, 2), "to_s": round(end - since, 2)}
            for (name, at), end in zip(outcome.phases, ends, strict=False)
        ],
        "seconds": [_second(second, records) for second, records in _by_second(outcome)],
        "colours": [_colours(outcome, second, records) for second, records in _by_second(outcome)],
        "alarms": list(_changes(outcome)),
        "migration": [
            {
                "revision": span.revision,
                "phase": "expand",
                "from_s": round(span.start - since, 2),
                "to_s": round(span.end - since, 2),
            }
            for span in outcome.spans
        ],
        "lock_waits": [
            {
                "at_s": round(seen.wait.at - since, 2),
                "waiting": seen.waiting,
                "longest_ms": round(1000 * seen.wait.longest_s, 1),
                "statement": seen.statement,
                "blocked_by": blocked_by(seen.wait, outcome),
            }
            for seen in outcome.seen
        ],
    }


def _by_second(outcome: Outcome) -> list[tuple[int, list[Record]]]:
    seconds: dict[int, list[Record]] = {}
    for record in outcome.records:
        seconds.setdefault(int(record.intended - outcome.started), []).append(record)
    return sorted(seconds.items())


def _second(second: int, records: Sequence[Record]) -> dict[str, Any]:
    latency = [record.latency_s for record in records]
    return {
        "at_s": second,
        "requests": len(records),
        "failed": sum(bool(record.problem) for record in records),
        **{f"p{percent}_ms": round(1000 * percentile(latency, percent), 2) for percent in (50, 90, 99)},
        "max_ms": round(1000 * max(latency), 2),
    }


def _colours(outcome: Outcome, second: int, records: Sequence[Record]) -> dict[str, Any]:
    counts = {f"{colour}{kind}": 0 for colour in COLOURS for kind in ("", "_errors")}
    for record in records:
        entry = outcome.logged.get(record.number)
        if entry is not None and entry.group in COLOURS:
            counts[entry.group] += 1
            counts[f"{entry.group}_errors"] += bool(record.problem)
    return {"at_s": second, "duration_s": 1, **counts}


def _changes(outcome: Outcome) -> Iterator[dict[str, Any]]:
    if outcome.watch is None or outcome.clock is None:
        return
    clock: Clock = outcome.clock
    for watched in outcome.watch.alarms:
        for at, state in watched.changes:
            yield {"name": watched.alarm.name, "at_s": round(clock.real(at) - outcome.started, 2), "state": state}
