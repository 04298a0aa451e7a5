"""What else went on while requests failed or were slow."""

from collections.abc import Iterator
from dataclasses import replace

from seachange.rehearsal.incidents import Happening, LockWait, Surroundings
from seachange.rehearsal.outcome import Outcome
from seachange.rehearsal.phases import window
from seachange_migrations.connection import APPLICATION_NAME

# A wait is noticed a little after it began, when its lock may be free again.
_LOOKED_LATER_S = 0.2
# What a phase does to whose requests; a phase not named here disturbs nobody.
_PHASES = {
    "blue: ends": ("blue's tasks were ending", "blue"),
    "green: ends": ("green's tasks were ending", "green"),
    "green: tasks start": ("green's tasks were starting", None),
}


def surroundings(outcome: Outcome) -> Surroundings:
    """Everything that may explain an incident, from what the run noted."""
    return Surroundings(
        lock_waits=tuple(replace(seen.wait, blocked_by=blocked_by(seen.wait, outcome)) for seen in outcome.seen),
        happenings=tuple(_happenings(outcome)),
        background=tuple(
            Happening(start=span.start, end=span.end, words=f"the migration's revision {span.revision}")
            for span in outcome.spans
        ),
    )


def blocked_by(wait: LockWait, outcome: Outcome) -> str:
    """Who held the lock: the migration's revision where it was the engine, else the application's own name."""
    span = next((span for span in outcome.spans if span.start <= wait.at <= span.end + _LOOKED_LATER_S), None)
    if span is None or wait.blocked_by != APPLICATION_NAME:
        return wait.blocked_by
    return f"the migration's revision {span.revision}"


def _happenings(outcome: Outcome) -> Iterator[Happening]:
    yield from outcome.disturbances
    for death in outcome.deaths:
        yield Happening(
            start=death.at - 1, end=death.at + 1, words=f"task {death.name} died", colour=death.name.split("-")[0]
        )
    for name, (words, colour) in _PHASES.items():
        start, end = window(outcome, name)
        yield Happening(start=start, end=end, words=words, colour=colour)
