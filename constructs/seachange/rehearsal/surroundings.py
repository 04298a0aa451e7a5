"""What else went on while requests failed or were slow."""

from collections.abc import Iterator

from seachange.rehearsal.figures import window
from seachange.rehearsal.incidents import Happening, Surroundings
from seachange.rehearsal.outcome import Outcome

# What a phase does to whose requests; a phase not named here disturbs nobody.
_PHASES = {
    "blue: ends": ("blue's tasks were ending", "blue"),
    "green: ends": ("green's tasks were ending", "green"),
    "green: tasks start": ("green's tasks were starting", None),
}


def surroundings(outcome: Outcome) -> Surroundings:
    """Everything that may explain an incident, from what the run noted."""
    return Surroundings(
        lock_waits=tuple(seen.wait for seen in outcome.seen),
        happenings=tuple(_happenings(outcome)),
        background=tuple(
            Happening(start=span.start, end=span.end, words=f"the migration's revision {span.revision}")
            for span in outcome.spans
        ),
    )


def _happenings(outcome: Outcome) -> Iterator[Happening]:
    yield from outcome.disturbances
    for death in outcome.deaths:
        yield Happening(
            start=death.at - 1, end=death.at + 1, words=f"task {death.name} died", colour=death.name.split("-")[0]
        )
    for name, (words, colour) in _PHASES.items():
        start, end = window(outcome, name)
        yield Happening(start=start, end=end, words=words, colour=colour)
