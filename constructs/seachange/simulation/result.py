"""What a simulation answers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of the simulated releases, and the 95 % interval in which the true one lies (Wilson's)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, trials: int) -> "Share":
        """The share of `hits` in `trials`, at least one."""
        z = 1.959964
        share = hits / trials
        centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
        half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
        return cls(value=share, low=min(share, max(0.0, centre - half)), high=max(share, min(1.0, centre + half)))


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Mean and quantiles over the releases."""

    mean: float
    p5: float
    p50: float
    p95: float


@dataclass(frozen=True, kw_only=True)
class Quantiles:
    """Quantiles over all releases, in seconds; None where so many are not rolled back at all."""

    p5: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The same releases under one other value of one unknown.

    Attributes:
        unknown: Which one: `delays`, `points`, `zeros` or `newest`.
        name: It and its value, in words.
        rolled_back: By the end of the bake, in the variant.
        rolled_back_otherwise: The same releases without the change: those of the result itself.
        median_s: Median time to the rollback in the variant; None when fewer than half are rolled back.
    """

    unknown: str
    name: str
    rolled_back: Share
    rolled_back_otherwise: Share
    median_s: float | None

    @property
    def matters(self) -> bool:
        """Whether the answer depends on it: by more than two percentage points."""
        return abs(self.rolled_back.value - self.rolled_back_otherwise.value) > 0.02


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of the simulated releases.

    Attributes:
        releases: How many were simulated.
        before_full: Rolled back before green had 100 percent.
        rolled_back: Rolled back by the end of the bake. Without a fault these are false alarms.
        time_s: From green's first traffic until the rollback.
        green_weight: Mean percent of the traffic on green at the rollback; None when there was none.
        failed: Requests to green that failed, until its rollback or the end of the bake.
        harmed: Those, and the requests that the fault slowed.
        first: Alarm → the share of all releases that it rolled back, as the first to fire.
        variants: The same under other values of the unknowns.
        not_simulated: Decisive alarms that take no part, each with the reason.
    """

    releases: int
    before_full: Share
    rolled_back: Share
    time_s: Quantiles
    green_weight: float | None
    failed: Spread
    harmed: Spread
    first: Mapping[str, float]
    variants: tuple[Variant, ...]
    not_simulated: tuple[str, ...]

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest share rolled back, over all unknowns."""
        shares = [self.rolled_back.value, *(variant.rolled_back.value for variant in self.variants)]
        return min(shares), max(shares)
