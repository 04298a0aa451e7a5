"""Which alarms of a shift a simulation can evaluate, and when each of them fires in many releases."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seachange.evaluation import EXTRA_POINTS, MOST_POINTS, STATES, Alarm, Composite, fills, holds, states, value
from seachange.plan.alb import colours_of
from seachange.plan.model import Shift
from seachange.simulation.exposure import MINUTE_S
from seachange.simulation.metrics import Asked, Measured, why_not
from seachange.simulation.unknowns import Unknowns

_DAY_S = 86_400
_ALARM = STATES.index("ALARM")


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is evaluated.

    Attributes:
        alarms: Alarm → its metrics by id, as it asks for them; those that a composite asks for included.
        composites: In the order in which they can be evaluated.
        decisive: Those that take a release back, in the template's order.
        not_simulated: The decisive ones that take no part, each with the reason.
    """

    alarms: tuple[tuple[Alarm, Mapping[str, Asked]], ...]
    composites: tuple[Composite, ...]
    decisive: tuple[str, ...]
    not_simulated: tuple[str, ...]

    @property
    def asked(self) -> list[Asked]:
        return [asked for _, metrics in self.alarms for asked in metrics.values()]

    @property
    def lead(self) -> int:
        """Minutes before the first traffic that a decision may look at."""
        return max(
            ((alarm.evaluation_periods + EXTRA_POINTS) * alarm.period_s // 60 for alarm, _ in self.alarms), default=0
        )

    def alarmed(self, measured: Measured, unknowns: Unknowns, shape: tuple[int, int]) -> dict[str, NDArray[np.bool_]]:
        """Decisive alarm → whether it is in ALARM after each minute; minutes x releases."""
        found: dict[str, NDArray[np.int8]] = {}
        for alarm, metrics in self.alarms:
            found[alarm.name] = _states(alarm, metrics, measured, unknowns, shape)
        for composite in self.composites:
            is_alarm = holds(composite.rule, lambda asked: found[asked.alarm] == STATES.index(asked.state))
            found[composite.name] = np.where(np.broadcast_to(is_alarm, shape), _ALARM, STATES.index("OK")).astype(
                np.int8
            )
        return {name: found[name] == _ALARM for name in self.decisive}


def watch(shift: Shift) -> Watch:
    """What can be evaluated of a shift's alarms, as far as they decide."""
    unread = {name.partition(":")[0]: name for name in shift.unread_alarms}
    reasons: dict[str, str] = {}
    for alarm in shift.alarms:
        if reason := _why_not(alarm, shift.colours):
            reasons[alarm.name] = reason
    for composite in shift.composites:
        if lacking := sorted(composite.children & reasons.keys()):
            reasons[composite.name] = f"its rule asks for {lacking[0]}, which is not simulated: {reasons[lacking[0]]}"
    names = [alarm.name for alarm in shift.alarms] + [composite.name for composite in shift.composites]
    decisive = [name for name in names if name in shift.decisive]
    if not shift.rolls_back_on_alarm:
        reasons |= dict.fromkeys(decisive, "the deployment group does not roll back when an alarm fires")
    simulated = tuple(name for name in decisive if name not in reasons)
    needed = set(simulated)
    for composite in reversed(shift.composites):
        needed |= composite.children if composite.name in needed else set()
    return Watch(
        alarms=tuple(
            (
                alarm,
                {
                    name: Asked(metric=metric, colours=colours_of(metric, shift.colours), minutes=alarm.period_s // 60)
                    for name, metric in alarm.metrics.items()
                },
            )
            for alarm in shift.alarms
            if alarm.name in needed
        ),
        composites=tuple(composite for composite in shift.composites if composite.name in needed),
        decisive=simulated,
        not_simulated=(
            *(f"{name}: {reasons[name]}" for name in decisive if name in reasons),
            *(reason for name, reason in unread.items() if name in shift.decisive),
        ),
    )


def _why_not(alarm: Alarm, colours: Mapping[str, str]) -> str | None:
    reasons = (why_not(metric, colours) for metric in alarm.metrics.values())
    if reason := next((reason for reason in reasons if reason), None):
        return reason
    if alarm.period_s % MINUTE_S:
        return f"its period is {alarm.period_s} s, and the load balancer sends a metric each minute"
    if alarm.evaluation_periods * alarm.period_s > _DAY_S:
        return "it looks at more than a day, so CloudWatch evaluates it once an hour"
    if alarm.evaluation_periods + EXTRA_POINTS > MOST_POINTS:
        return f"it looks at {alarm.evaluation_periods} periods, and {MOST_POINTS - EXTRA_POINTS} at most are simulated"
    return None


def _states(
    alarm: Alarm, metrics: Mapping[str, Asked], measured: Measured, unknowns: Unknowns, shape: tuple[int, int]
) -> NDArray[np.int8]:
    points = measured.series(alarm.expression, metrics, unknowns.zeros)
    pinned = unknowns.pins_newest and fills(alarm.expression)
    muted = None
    if alarm.ignores_low_samples:
        few = [measured.has_few_samples(asked) for asked in metrics.values()]
        muted = np.broadcast_to(
            np.logical_or.reduce([np.broadcast_to(one, shape) for one in few if one is not None]), shape
        )
    return states(
        alarm,
        np.broadcast_to(points, shape),
        extra_points=unknowns.extra_points,
        minutes=alarm.period_s // 60,
        newest=value(alarm.expression, dict.fromkeys(metrics, None)) if pinned else None,
        muted=muted,
    )
