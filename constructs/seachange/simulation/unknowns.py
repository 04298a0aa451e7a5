"""What AWS does not publish, as named distributions: a simulation draws from them, and shows how far its answer depends on them."""

from dataclasses import dataclass, field
from typing import Literal

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
    extra_points: int = 2
    zeros: Zeros = "absent"
    pins_newest: bool = False
