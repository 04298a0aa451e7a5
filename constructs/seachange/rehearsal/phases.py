"""When each phase was, and which requests belong to it."""

import math
from collections.abc import Mapping, Sequence

from seachange.rehearsal.access_log import Entry
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.outcome import BASELINE, Outcome


def window(outcome: Outcome, name: str) -> tuple[float, float]:
    """From when to when a phase lasted; without end or at all where it did not."""
    times = [at for _, at in outcome.phases] + [math.inf]
    for index, (phase, at) in enumerate(outcome.phases):
        if phase == name:
            return at, times[index + 1]
    return math.inf, math.inf


def within(records: Sequence[Record], start: float, end: float) -> list[Record]:
    """The requests that should have left in a span of time."""
    return [record for record in records if start <= record.intended < end]


def baseline_answers(outcome: Outcome, records: Sequence[Record], logged: Mapping[int, Entry]) -> list[Entry]:
    """What targets answered to the baseline's requests, whenever they did."""
    return [
        entry
        for record in within(records, *window(outcome, BASELINE))
        if (entry := logged.get(record.number)) is not None and entry.target_s is not None
    ]
