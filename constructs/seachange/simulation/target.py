"""What a set of alarms is wanted to do."""

from dataclasses import dataclass
from typing import Literal

from seachange.simulation.errors import SimulationError
from seachange.simulation.result import Share

Verdict = Literal["reaches", "undecided", "misses"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is wanted.

    Attributes:
        catch: The least share of the bad releases to be taken back.
        false_alarms: The most good releases of a hundred to be taken back.
    """

    catch: float = 0.99
    false_alarms: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.catch <= 1:
            raise SimulationError(
                f"a share of {self.catch:g} of the bad releases cannot be caught: give more than 0, 1 at most"
            )
        if not 0 <= self.false_alarms <= 100:
            raise SimulationError(f"{self.false_alarms:g} false alarms per hundred releases cannot be: give 0 to 100")

    def verdict(self, bad: Share, good: Share) -> Verdict:
        """Whether so many bad and good releases, taken back, are what is wanted."""
        most = self.false_alarms / 100
        if bad.low >= self.catch and good.high <= most:
            return "reaches"
        return "undecided" if bad.high >= self.catch and good.low <= most else "misses"
