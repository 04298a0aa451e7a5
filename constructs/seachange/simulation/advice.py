"""An alarm that is right whichever value an unknown has, in the place of one whose answer depends on it.

A count that is absent when it is 0 leaves gaps: whether CloudWatch looks across them, and whether the count is sent as a 0 after all, decides then.
FILL closes them, but may give the minute under way a value that it does not have. IF(requests > 0, ...) takes that back: requests are there in every
minute that has any, so every minute has a point once it is complete, and none before.
"""

from collections.abc import Set
from dataclasses import replace

from seachange.evaluation import Alarm, filled, value
from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.simulation.engine import simulate
from seachange.simulation.metrics import is_sparse
from seachange.simulation.profile import Profile
from seachange.simulation.result import Result
from seachange.simulation.unknowns import Unknowns

_RELEASES = 4000
_NO_DIFFERENCE = 0.005


def steady(alarm: Alarm) -> Alarm:
    """The alarm with a point in every minute with requests, and in no other; itself when it is so already."""
    counts = {name: metric for name, metric in alarm.metrics.items() if is_sparse(metric)}
    if not counts:
        return alarm
    expression = filled(alarm.expression, counts.keys())
    if value(expression, dict.fromkeys(alarm.metrics)) is None:
        return (
            alarm
            if expression.count("FILL") == alarm.expression.count("FILL")
            else replace(alarm, expression=expression)
        )
    of_what = next(iter(counts.values()))
    requests = replace(of_what, name="RequestCount", statistic="Sum")
    name = next((name for name, metric in alarm.metrics.items() if metric == requests), "requests")
    return replace(alarm, metrics={**alarm.metrics, name: requests}, expression=f"IF({name} > 0, {expression}, 0)")


def advice(
    shift: Shift, profile: Profile, name: str, fault: Fault, result: Result, *, seed: int, unknowns: Unknowns
) -> list[str]:
    """Alarms of the shift to write otherwise, where the answer then depends on the unknowns half as much at most.

    Args:
        shift: The alarms as they are.
        profile: The traffic.
        name: The fault in words.
        fault: With it the answer depends on an unknown.
        result: That answer.
        seed, unknowns: As for `simulate`.
    """
    changed = {
        alarm.name: steady(alarm)
        for alarm in shift.alarms
        if alarm.name in result.first and steady(alarm).expression != alarm.expression
    }

    def answer(names: Set[str]) -> tuple[float, float]:
        alarms = tuple(changed[alarm.name] if alarm.name in names else alarm for alarm in shift.alarms)
        other = replace(shift, alarms=alarms)
        return _depends(simulate(other, profile, fault=fault, releases=_RELEASES, seed=seed, unknowns=unknowns))

    if not changed:
        return []
    before, after = _depends(result), answer(changed.keys())
    if _width(after) > _width(before) / 2:
        return []
    # One without whose change the answer depends on no more keeps what stands there.
    needed = [name for name in changed if _width(answer(changed.keys() - {name})) > _width(after) + _NO_DIFFERENCE]
    alarms = {alarm.name: alarm for alarm in shift.alarms}
    return [
        f"{alarm}: write {_shown(changed[alarm])} instead of {_shown(alarms[alarm])}: of releases like `{name}` "
        f"{after[0]:.1%} to {after[1]:.1%} are then rolled back, whichever way CloudWatch works; now {before[0]:.1%} to {before[1]:.1%}"
        for alarm in needed
    ]


def _depends(result: Result) -> tuple[float, float]:
    """The least and the greatest share rolled back, over what is unknown but the delays."""
    shares = [
        share.value
        for variant in result.variants
        if variant.unknown != "delays"
        for share in (variant.rolled_back, variant.rolled_back_otherwise)
    ]
    return min(shares), max(shares)


def _width(shares: tuple[float, float]) -> float:
    return shares[1] - shares[0]


def _shown(alarm: Alarm) -> str:
    return f"`{alarm.expression}` in {alarm.datapoints_to_alarm} of {alarm.evaluation_periods}"
