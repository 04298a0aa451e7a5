"""What the report's page draws on one axis."""

from collections.abc import Iterator, Sequence
from typing import Any

from seachange.plan.model import COLOURS
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.metrics import percentile
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.surroundings import blocked_by


def timeline(outcome: Outcome) -> dict[str, Any]:
    """What the page plots on one axis, in seconds since the load began."""
    since = outcome.started
    ends = [at for _, at in outcome.phases[1:]]
    seconds = _by_second(outcome)
    return {
        "weights": [{"at_s": round(at - since, 2), "green_weight": weight} for at, weight in outcome.weights],
        "phases": [
            {"name": name, "from_s": round(at - since, 2), "to_s": round(end - since, 2)}
            for (name, at), end in zip(outcome.phases, ends, strict=False)
        ],
        "seconds": [_second(second, records) for second, records in seconds],
        "colours": [_colours(outcome, second, records) for second, records in seconds],
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
