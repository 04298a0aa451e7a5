"""An alarm's state from its points: M of N and missing data; for one series, or for many at once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seachange.evaluation.model import COMPARISONS, EXTRA_POINTS, Alarm, Point, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
# So many retrieved points, each missing, good or breaching, have distinct numbers in 64 bits.
MOST_POINTS = 39
_KEPT = len(STATES)
_TABLE = 3**9


def state(
    alarm: Alarm,
    points: Sequence[Point],
    before: State = "INSUFFICIENT_DATA",
    *,
    extra_points: int = EXTRA_POINTS,
) -> State:
    """The alarm's state after the newest of `points`.

    Args:
        alarm: The alarm.
        points: Values of its expression, oldest first, one per period; None for a period without data.
        before: Its state until now, kept where the points do not decide.
        extra_points: How many points beyond N are retrieved; 2 by default.
    """
    retrieved = points[-(alarm.evaluation_periods + extra_points) :]
    breaches = COMPARISONS[alarm.comparison]
    return _decided(alarm, [None if point is None else breaches(point, alarm.threshold) for point in retrieved], before)


def states(
    alarm: Alarm,
    points: "NDArray[np.float64]",
    *,
    extra_points: int = EXTRA_POINTS,
    minutes: int = 1,
    newest: Point = None,
    muted: "NDArray[np.bool_] | None" = None,
) -> "NDArray[np.int8]":
    """The alarm's state after each point of many series, as indices into `STATES`; every series begins in INSUFFICIENT_DATA.

    Args:
        alarm: The alarm; with `extra_points` it retrieves `MOST_POINTS` at most.
        points: One row for each time, one column for each series; NaN for a period without data.
        extra_points: How many points beyond N are retrieved; 2 by default.
        minutes: Rows from one point of an evaluation to the next: 5 for a period of five minutes that is evaluated each minute; 1 by default.
        newest: One point more after each, as FILL makes of the minute under way; none by default.
        muted: Where the state stays as it is, whatever the points; nowhere by default.
    """
    import numpy as np

    retrieved = alarm.evaluation_periods + extra_points
    breaches = COMPARISONS[alarm.comparison]
    # The digits of a number to the base 3, the newest last: 0 missing, 1 good, 2 breaching.
    digits = np.where(np.isnan(points), 0, 1 + np.asarray(breaches(points, alarm.threshold), np.int64))  # type: ignore[arg-type]
    patterns = np.empty_like(digits)
    for row, digit in enumerate(digits):
        older = patterns[row - minutes] if row >= minutes else 0
        patterns[row] = older * 3 % 3**retrieved + digit
    if newest is not None:
        patterns = patterns * 3 % 3**retrieved + 1 + breaches(newest, alarm.threshold)
    found = _looked_up(alarm, patterns, retrieved)
    if muted is not None:
        found[muted] = _KEPT
    if (found == _KEPT).any():
        before = np.full(found.shape[1], STATES.index("INSUFFICIENT_DATA"), np.int8)
        for row in found:
            np.copyto(row, before, where=row == _KEPT)
            before = row
    return found


def _looked_up(alarm: Alarm, patterns: "NDArray[np.int64]", retrieved: int) -> "NDArray[np.int8]":
    """The rule is asked once for each pattern that occurs; there are few."""
    import numpy as np

    if 3**retrieved > _TABLE:
        occurring, index = np.unique(patterns, return_inverse=True)
        table = np.array([_state_or_kept(alarm, int(pattern), retrieved) for pattern in occurring], np.int8)
        return np.asarray(table[index.reshape(patterns.shape)])
    table = np.zeros(3**retrieved, np.int8)
    for pattern in np.flatnonzero(np.bincount(patterns.ravel(), minlength=1)):
        table[pattern] = _state_or_kept(alarm, int(pattern), retrieved)
    return np.asarray(table[patterns])


def _state_or_kept(alarm: Alarm, pattern: int, retrieved: int) -> int:
    marks = [(None, False, True)[pattern // 3**place % 3] for place in reversed(range(retrieved))]
    one, other = (_decided(alarm, marks, before) for before in ("OK", "ALARM"))
    return STATES.index(one) if one == other else _KEPT


def _decided(alarm: Alarm, retrieved: Sequence[bool | None], before: State) -> State:
    """The state from which of the retrieved points breach, oldest first; None for a period without data."""
    real = [breach for breach in retrieved if breach is not None]
    if not real:
        without_data: dict[str, State] = {"ignore": before, "breaching": "ALARM", "notBreaching": "OK"}
        return without_data.get(alarm.missing_data, "INSUFFICIENT_DATA")
    considered = real[-alarm.evaluation_periods :]
    filler = alarm.evaluation_periods - len(considered) if alarm.missing_data == "breaching" else 0
    if sum(considered) + filler >= alarm.datapoints_to_alarm:
        return "ALARM"
    is_full = len(considered) == alarm.evaluation_periods or alarm.missing_data in {"breaching", "notBreaching"}
    if is_full or not all(real):
        return "OK"
    if alarm.missing_data == "ignore":
        return before
    # Too few points, and all of them breach: `missing` waits until the oldest is old enough ("premature transitions").
    oldest = len(retrieved) - next(index for index, breach in enumerate(retrieved) if breach is not None)
    return "ALARM" if oldest >= alarm.datapoints_to_alarm else "INSUFFICIENT_DATA"
