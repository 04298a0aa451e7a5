"""What AWS does not publish, as named distributions: a simulation draws from them, and shows how far its answer depends on them."""

from dataclasses import dataclass, field, replace
from typing import Literal

from seachange.evaluation import EXTRA_POINTS
from seachange.simulation.errors import SimulationError

Zeros = Literal["absent", "sent"]


@dataclass(frozen=True, kw_only=True)
class Between:
    """Any number of seconds between two, each as likely; one number when both are the same."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise SimulationError(f"between {self.low:g} and {self.high:g} s lies nothing: give 0 <= low <= high")

    def __str__(self) -> str:
        return f"{self.low:g} s" if self.low == self.high else f"{self.low:g} to {self.high:g} s"


def exactly(seconds: float) -> Between:
    """Always the same."""
    return Between(low=seconds, high=seconds)


@dataclass(frozen=True, kw_only=True)
class Unknowns:
    """What a release meets by chance, and what is not documented (docs/facts/cloudwatch.md); all in seconds.

    Attributes:
        begins: Where in a minute of CloudWatch's the first traffic moves; 0 to 60 s.
        visible: How long after its end a minute's metrics can be read; 60 to 180 s. Nothing is published.
        evaluated: How long after that the alarm is evaluated, once a minute; 0 to 60 s.
        polled: How long after an alarm's change CodeDeploy sees it; 5 to 45 s. Nothing is published.
        extra_points: How many points beyond N an alarm fetches; 2, as in every documented example, or 0.
        zeros: Whether a target group's count of errors is sent when it is 0; `absent`, as in the older text, or `sent`, as in the newer.
        pins_newest: Whether FILL gives the minute that is still under way its filler, so that it counts as one of the N; false.
    """

    begins: Between = field(default=Between(low=0, high=60))
    visible: Between = field(default=Between(low=60, high=180))
    evaluated: Between = field(default=Between(low=0, high=60))
    polled: Between = field(default=Between(low=5, high=45))
    extra_points: int = EXTRA_POINTS
    zeros: Zeros = "absent"
    pins_newest: bool = False


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another value of one unknown.

    Attributes:
        unknown: Which one.
        name: It and its value, in words.
        values: All unknowns, with this one changed.
    """

    unknown: str
    name: str
    values: Unknowns


def variants_of(unknowns: Unknowns) -> tuple[Other, ...]:
    """The other values of each unknown."""
    delays = (unknowns.visible, unknowns.evaluated, unknowns.polled)
    shortest, longest = (
        replace(unknowns, visible=exactly(visible), evaluated=exactly(evaluated), polled=exactly(polled))
        for visible, evaluated, polled in ([delay.low for delay in delays], [delay.high for delay in delays])
    )
    absent, fetches_more, pins = unknowns.zeros == "absent", bool(unknowns.extra_points), unknowns.pins_newest
    found = (
        Other(unknown="delays", name=f"shortest delays: {_in_words(shortest)}", values=shortest),
        Other(unknown="delays", name=f"longest delays: {_in_words(longest)}", values=longest),
        Other(
            unknown="points",
            name="alarms fetch just N points" if fetches_more else "alarms fetch N + 2 points",
            values=replace(unknowns, extra_points=0 if fetches_more else EXTRA_POINTS),
        ),
        Other(
            unknown="zeros",
            name="counts of errors are sent when 0" if absent else "counts of errors are absent when 0",
            values=replace(unknowns, zeros="sent" if absent else "absent"),
        ),
        Other(
            unknown="newest",
            name="FILL leaves out the newest minute" if pins else "FILL pins the newest minute",
            values=replace(unknowns, pins_newest=not pins),
        ),
    )
    return tuple(other for other in found if other.values != unknowns)


def _in_words(unknowns: Unknowns) -> str:
    return f"visible after {unknowns.visible}, evaluated after {unknowns.evaluated}, polled after {unknowns.polled}"
