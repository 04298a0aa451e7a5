"""What the report says of the alarms: whether each was exercised, what it cannot see, and which one could."""

import math
from typing import Any

from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Plan
from seachange.rehearsal.floors import Floor, floor
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.minutes import observed
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.visibility import cannot_see, recommend
from seachange.rehearsal.watch import Watched


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
