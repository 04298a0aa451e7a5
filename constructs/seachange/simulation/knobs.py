"""The numbers of an app's code that decide when its alarms fire: where each stands, and what an alarm becomes when it is changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from seachange.evaluation import Alarm
from seachange.plan.model import Shift
from seachange.simulation.watch import watch

Part = Literal["threshold", "floor", "minutes"]
Value = float | tuple[int, int]

# What `ReleaseAlarms` makes of `ReleaseThresholds`; the end of a logical id is a hash of its path.
_MADE = re.compile(
    r"Alarms(?:(?:Blue|Green)(5xxRate|ConnectionErrors|P99|Unhealthy|ErrorsAgainst|LatencyAgainst)(?:Blue|Green)?|(LoadBalancer5xx))[0-9A-F]{8}$"
)
_THRESHOLDS = {
    "5xxRate": "error_percent",
    "ConnectionErrors": "connection_error_percent",
    "P99": "p99_seconds",
    "ErrorsAgainst": "comparison_error_percent",
    "LatencyAgainst": "comparison_p90_seconds",
    "LoadBalancer5xx": "balancer_error_percent",
}
_COMPARISONS = {"ErrorsAgainst", "LatencyAgainst"}
_COUNT_ERRORS = {"5xxRate", "ConnectionErrors", "ErrorsAgainst", "LoadBalancer5xx"}
# The number of requests below which a minute says nothing: `requests >= 50`.
_FLOOR = re.compile(r">=\s*(\d+(?:\.\d+)?)")


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One number of the app's code.

    Attributes:
        argument: Where it stands, such as `ReleaseThresholds(error_percent=)`.
        part: What it is to an alarm: the threshold, the fewest requests, or (M, N) of M out of N minutes.
        value: What it is now.
        least: What the argument takes at least; more than 0 by default.
        alarms: Those that it decides about.
    """

    argument: str
    part: Part
    value: Value
    least: float = 0.0
    alarms: tuple[str, ...]

    def written(self, value: Value) -> str:
        """The argument with a value, as it would stand in the code."""
        values = value if isinstance(value, tuple) else (value,)
        head, _, names = self.argument.partition("(")
        if not names:
            return f"{self.argument} = {' of '.join(f'{one:g}' for one in values)}"
        pairs = zip(re.findall(r"(\w+)=", names), values, strict=True)
        return f"{head}({', '.join(f'{name}={one:g}' for name, one in pairs)})"


def knobs(shift: Shift) -> dict[str, Knob]:
    """Argument → its knob, of all alarms that can take a release back and are simulated."""
    found: dict[str, Knob] = {}
    for alarm, _ in watch(shift).alarms:
        for knob in _of(alarm):
            known = found.get(knob.argument, replace(knob, alarms=()))
            found[knob.argument] = replace(known, alarms=(*known.alarms, alarm.name))
    return found


def knob_of(alarm: Alarm, part: Part) -> Knob | None:
    """The knob behind one part of an alarm; None for an alarm without it."""
    return next((knob for knob in _of(alarm) if knob.part == part), None)


def turned(alarm: Alarm, changes: Mapping[str, Value]) -> Alarm:
    """The alarm after changes of the code.

    Args:
        alarm: The alarm.
        changes: Argument → its new value; those of other alarms do nothing.
    """
    for knob in _of(alarm):
        if (value := changes.get(knob.argument)) is None:
            continue
        if isinstance(value, tuple):
            alarm = replace(alarm, datapoints_to_alarm=value[0], evaluation_periods=value[1])
        elif knob.part == "threshold":
            alarm = replace(alarm, threshold=value)
        else:
            alarm = replace(alarm, expression=_FLOOR.sub(f">= {value:g}", alarm.expression))
    return alarm


def _of(alarm: Alarm) -> list[Knob]:
    made = _MADE.search(alarm.name)
    kind = (made[1] or made[2]) if made else None
    minutes = (alarm.datapoints_to_alarm, alarm.evaluation_periods)
    places: dict[Part, str] = {part: f"{part} of {alarm.name}" for part in ("threshold", "floor")}
    places["minutes"] = f"datapoints_to_alarm of evaluation_periods of {alarm.name}"
    least = 1.0
    if kind:
        if kind not in _THRESHOLDS:
            # One unhealthy target for three minutes: no argument changes that.
            return []
        places = {"threshold": f"ReleaseThresholds({_THRESHOLDS[kind]}=)"}
        places["floor"] = f"ReleaseThresholds({'comparison' if kind in _COMPARISONS else 'minimum'}_requests=)"
        if kind in _COUNT_ERRORS:
            places["minutes"] = "ReleaseThresholds(error_datapoints=, error_periods=)"
        # A 90th percentile of fewer is no statistic, and the argument refuses them.
        least = 100.0 if kind in _COMPARISONS else 1.0
    floors = {float(number) for number in _FLOOR.findall(alarm.expression)}
    values: dict[Part, Value] = {"threshold": alarm.threshold, "minutes": minutes}
    if len(floors) == 1:
        values["floor"] = floors.pop()
    return [
        Knob(
            argument=places[part],
            part=part,
            value=value,
            least=least if part == "floor" else 0.0,
            alarms=(alarm.name,),
        )
        for part, value in values.items()
        if part in places
    ]
