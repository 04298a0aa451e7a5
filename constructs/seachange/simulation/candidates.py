"""Which changes of an app's code are tried: other numbers for its alarms, other steps, another bake."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from seachange.plan.model import Shift, Step
from seachange.plan.template import traffic_steps
from seachange.simulation.knobs import Knob, Value, knobs, turned

_THRESHOLDS = (0.2, 0.5, 0.75, 1.5, 2, 4, 10)
_FLOORS = (0.2, 0.5, 2, 4)
_MINUTES = ((1, 1), (1, 2), (2, 2), (2, 3), (2, 4), (2, 5), (3, 3), (3, 4), (3, 5), (4, 5))
_LINEAR = ((5, 1), (10, 1), (10, 2), (10, 3), (20, 5), (20, 8), (25, 10))
_CANARY = ((5, 10), (5, 30), (10, 10), (10, 30))
_BAKES_MIN = (10, 20, 30, 60, 120)
# A deployment has 45 minutes, of which green needs some to start (the constructs refuse more, unless nothing waits for its end).
_LONGEST_SHIFT_S = 35 * 60.0


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of the code.

    Attributes:
        argument: What is changed; two changes of the same argument exclude each other.
        written: As it would stand in the code.
        value: For an argument that decides about alarms; None for steps or bake.
        steps: Other traffic steps; None for the same.
        bake_s: Another bake in seconds; None for the same.
    """

    argument: str
    written: str
    value: Value | None = None
    steps: tuple[Step, ...] | None = None
    bake_s: float | None = None


def candidates(shift: Shift) -> list[Change]:
    """Every single change that is tried."""
    of_alarms = [
        Change(argument=knob.argument, written=knob.written(value), value=value)
        for knob in knobs(shift).values()
        for value in _values(knob)
    ]
    return [*of_alarms, *_steps(shift), *_bakes(shift)]


def changed(shift: Shift, changes: tuple[Change, ...]) -> Shift:
    """The shift after changes of the code."""
    values = {change.argument: change.value for change in changes if change.value is not None}
    for change in changes:
        if change.steps is not None:
            shift = replace(shift, steps=change.steps)
        if change.bake_s is not None:
            shift = replace(shift, bake_s=change.bake_s)
    return replace(shift, alarms=tuple(turned(alarm, values) for alarm in shift.alarms))


def longest_memory(shift: Shift) -> Shift:
    """The shift with alarms that look back as far as any that is tried."""
    most = max(periods for _, periods in _MINUTES)
    alarms = (replace(alarm, evaluation_periods=max(alarm.evaluation_periods, most)) for alarm in shift.alarms)
    return replace(shift, alarms=tuple(alarms))


def _values(knob: Knob) -> list[Value]:
    if isinstance(knob.value, tuple):
        # An alarm that leaves out one minute does so for a reason.
        leaves_out = knob.value[0] < knob.value[1]
        return [pair for pair in _MINUTES if pair != knob.value and (pair[0] < pair[1] or not leaves_out)]
    factors = _FLOORS if knob.part == "floor" else _THRESHOLDS
    tried: set[Value] = {float(f"{factor * knob.value:.2g}") for factor in factors}
    if knob.part == "floor":
        tried = {float(round(value)) for value in tried if isinstance(value, float)}
    highest = 100.0 if "percent" in knob.argument else float("inf")
    return sorted(
        value
        for value in tried - {knob.value}
        if isinstance(value, float) and knob.least <= value < highest and value > 0
    )


def _steps(shift: Shift) -> list[Change]:
    longest = max(_LONGEST_SHIFT_S, shift.duration_s)
    plans = [("linear", *plan) for plan in _LINEAR] + [("canary", *plan) for plan in _CANARY]
    found = []
    for kind, percent, minutes in plans:
        steps = traffic_steps(_routing(kind, percent, minutes))
        if steps != shift.steps and steps[-1].at_s <= longest:
            plan = f"TrafficShift.{kind}(percent={percent}, interval=Duration.minutes({minutes}))"
            found.append(
                Change(
                    argument="BlueGreenService(traffic_shift=)",
                    written=f"BlueGreenService(traffic_shift={plan})",
                    steps=steps,
                )
            )
    return found


def _routing(kind: str, percent: int, minutes: int) -> Mapping[str, Any]:
    name = kind.capitalize()
    return {"Type": f"TimeBased{name}", f"TimeBased{name}": {f"{name}Percentage": percent, f"{name}Interval": minutes}}


def _bakes(shift: Shift) -> list[Change]:
    return [
        Change(
            argument="BlueGreenService(bake_time=)",
            written=f"BlueGreenService(bake_time=Duration.minutes({minutes}))",
            bake_s=60.0 * minutes,
        )
        for minutes in _BAKES_MIN
        if 60.0 * minutes != shift.bake_s
    ]
