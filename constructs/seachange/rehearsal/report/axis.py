"""Where a moment or a value stands: all coordinates are percent, for the page stretches every plot to the width it has."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
_MOST_TICKS = 9
# Without a step that is longer, a point after a gap would be joined to the one before it.
_GAP = 1.5

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on an axis: where, in percent, and what is written there."""

    at: float
    text: str
    minor: bool = False


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The time that all lanes share: seconds from 0, when the load began, to `end`."""

    end: float

    def x(self, at: float) -> float:
        """A moment's place in percent; what lies outside stands at the edge."""
        return round(100 * min(max(at / self.end, 0), 1), 3)

    def ticks(self) -> list[Tick]:
        """The rehearsal's own seconds."""
        step = _step(self.end)
        return [
            Tick(at=self.x(at), text=_clock(at), minor=number % 2 == 1)
            for number, at in enumerate(range(0, math.floor(self.end) + 1, step))
        ]

    def plan_ticks(self, start: float, speed: float) -> list[Tick]:
        """The plan's clock, which begins with the shift at `start` and runs `speed` times as fast."""
        minutes = max((self.end - start) * speed / 60, 1)
        # The plan has only its part of the width, and so only its part of the ticks.
        step = _step(minutes, most=max(_MOST_TICKS * (1 - start / self.end), 1))
        return [
            Tick(at=self.x(start + 60 * minute / speed), text=f"{minute} min", minor=number % 2 == 1)
            for number, minute in enumerate(range(0, math.floor(minutes) + 1, step))
        ]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The values of one lane, from `low` at its foot to `high` at its head; by magnitude when `log`."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def magnitudes(cls, values: Iterable[float]) -> "Scale":
        """Whole powers of ten around the values."""
        known = [value for value in values if value > 0] or [1.0]
        low = math.floor(math.log10(min(known)))
        return cls(low=10.0**low, high=10.0 ** max(math.ceil(math.log10(max(known))), low + 1), log=True)

    def y(self, value: float) -> float:
        """A value's distance from the head, in percent."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return round(100 * (1 - min(max(share, 0), 1)), 2)

    def powers(self) -> list[float]:
        """The powers of ten from foot to head."""
        return [self.low * 10.0**n for n in range(round(math.log10(self.high / self.low)) + 1)]


def line(points: Points, axis: Axis, scale: Scale, *, every: float = math.inf) -> str:
    """An SVG path through the points; it breaks where the next one is further away than `every` allows."""
    path: list[str] = []
    before = -math.inf
    for at, value in points:
        path.append(f"{'M' if at - before > _GAP * every or not path else 'L'}{axis.x(at):g} {scale.y(value):g}")
        before = at
    return "".join(path)


def stairs(points: Points, end: float) -> list[tuple[float, float]]:
    """The points, each held until the next."""
    return [
        corner
        for (at, value), (until, _) in zip(points, [*points[1:], (end, 0.0)], strict=True)
        for corner in ((at, value), (until, value))
    ]


def area(upper: Points, lower: Points, axis: Axis, scale: Scale) -> str:
    """An SVG path around what lies between two lines."""
    if not upper:
        return ""
    corners = [f"{axis.x(at):g} {scale.y(value):g}" for at, value in (*upper, *reversed(lower))]
    return "M" + "L".join(corners) + "Z"


def bars(points: Iterable[tuple[float, float, float]], axis: Axis, scale: Scale) -> str:
    """An SVG path of bars from the foot: each from one moment to another, with a value."""
    return "".join(
        f"M{axis.x(start):g} 100V{scale.y(value):g}H{axis.x(end):g}V100Z" for start, end, value in points if value
    )


def dots(points: Points, axis: Axis, scale: Scale) -> str:
    """An SVG path whose round caps are dots, for a stretched circle would be none."""
    return "".join(f"M{axis.x(at):g} {scale.y(value):g}h.01" for at, value in points)


def _step(length: float, most: float = _MOST_TICKS) -> int:
    return next((step for step in _STEPS if length / step <= most), _STEPS[-1])


def _clock(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60}:{seconds % 60:02} min"
