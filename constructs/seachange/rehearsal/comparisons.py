"""Latency, compared: blue's build with itself, and then what changed with what was before."""

from collections.abc import Sequence
from typing import Any

from seachange.plan.model import COLOURS
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.outcome import BASELINE, Outcome
from seachange.rehearsal.phases import window, within
from seachange.rehearsal.statistics import AA, PERCENTILES, Claim, claims, compared


def aa(outcome: Outcome) -> AA | None:
    """The A/A phase: both groups' requests of the baseline; None when one of them had none."""
    start, end = window(outcome, BASELINE)
    groups = _by_colour(outcome, within(outcome.records, start, end))
    first, second = (
        [(record.intended, record.latency_s) for record in groups[colour] if not record.problem] for colour in COLOURS
    )
    return compared(first, second) if first and second else None


def latency_claims(outcome: Outcome, found: AA) -> list[Claim]:
    """What changed: the migration, green beside blue while both served, and green alone, each against what stood before."""
    baseline = _latencies(within(outcome.records, *window(outcome, BASELINE)))
    migration = _latencies(within(outcome.records, *window(outcome, "migration")))
    both = _by_colour(outcome, within(outcome.records, *window(outcome, "shift")))
    blue, green = (_latencies(both[colour]) for colour in COLOURS)
    bake = _latencies(within(outcome.records, *window(outcome, "bake")))
    return [
        *claims("the migration against the baseline", baseline, migration, found),
        *claims("green against blue, while both serve", blue, green, found),
        *claims("green alone, in the bake, against the baseline", baseline, bake, found),
    ]


def aa_report(found: AA) -> dict[str, Any]:
    """The key `aa` of report.json."""
    numbers: dict[str, Any] = {"duration_s": round(found.duration_s, 1), "passed": found.passed}
    for percentile in PERCENTILES:
        numbers[f"p{percentile}_difference_ms"] = _ms(found.difference_s[percentile])
        numbers[f"p{percentile}_interval_ms"] = [_ms(end) for end in found.interval_s[percentile]]
    return numbers


def claim_report(claim: Claim) -> dict[str, Any]:
    """One of `latency_claims` in report.json."""
    return {
        "name": claim.name,
        "percentile": claim.percentile,
        "difference_ms": _ms(claim.difference_s),
        "interval_ms": [_ms(end) for end in claim.interval_s],
        "decidable": claim.decidable,
    }


def _by_colour(outcome: Outcome, records: Sequence[Record]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {colour: [] for colour in COLOURS}
    for record in records:
        entry = outcome.logged.get(record.number)
        if entry is not None and entry.group in groups:
            groups[entry.group].append(record)
    return groups


def _latencies(records: Sequence[Record]) -> list[float]:
    return [record.latency_s for record in records if not record.problem]


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 2)
