"""Which alarms can see a fault at all, and which one could: asked of the very evaluation that watches a deployment.

A minute of a good release and the same minute with the fault become the load balancer's metrics, at weights of the plan. An alarm *feels* the
fault when its value goes towards its threshold, and *sees* it when it fires and would be quiet for the good release. How likely it is to see a
fault in time, with chance in the traffic, is the simulation's to say (`seachange simulate`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seachange.evaluation import COMPARISONS, EXTRA_POINTS, Alarm, Metric, Point, State, state, value
from seachange.plan.alb import has_data
from seachange.plan.faults import NO_FAULT, Fault
from seachange.plan.model import Shift
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.minutes import Minute, assumed
from seachange.rehearsal.points import can_measure, groups, point
from seachange.rehearsal.remedies import Remedy, kind, remedies

# Requests per second of the whole service, where nobody says how many it has.
_RPS = 100.0


def cannot_see(shift: Shift, alarm: Alarm, seen: Fault | Minute, *, rps: float = _RPS) -> str | None:
    """Why an alarm does not see a fault; None when it does, or when it reads what is no metric of the load balancer's.

    Args:
        shift: The deployment's alarms and steps.
        alarm: One of them.
        seen: What green does wrong, or what was measured (`minutes.observed`).
        rps: Requests per second of the whole service, when a fault is assumed; 100 by default.
    """
    if not _is_judged(alarm):
        return None
    unsent = [metric for metric in alarm.metrics.values() if not has_data(metric)]
    if unsent:
        return f"the load balancer never sends {_list(map(_named, unsent))}: the alarm has no data"
    minutes = _minutes(shift, seen, rps)
    views = [_view(shift, alarm, minute) for minute in minutes]
    if any(view.sees for view in views):
        return None
    felt = [view for view in views if view.feels]
    if felt:
        return f"its value reaches {_nearest(alarm, felt):.3g}, and its threshold is {alarm.threshold:g}"
    return f"it reads {_list(map(_named, alarm.metrics.values()))}; {_where(shift, minutes)}"


def blind(shift: Shift, fault: Fault, *, rps: float = _RPS) -> str | None:
    """Why no decisive alarm sees a fault; None when one of them does.

    Args:
        shift: The deployment's alarms and steps.
        fault: What green does wrong.
        rps: Requests per second of the whole service; 100 by default.
    """
    minutes = _minutes(shift, fault, rps)
    if fault == NO_FAULT or _stops(shift, minutes):
        return None
    near = [
        f"{alarm.name} reaches {_nearest(alarm, views):.3g}, its threshold is {alarm.threshold:g}"
        for alarm, views in _feeling(shift, minutes)
    ]
    return f"no decisive alarm {f'fires: {_list(near)}' if near else f'can see it: {_where(shift, minutes)}'}"


def recommend(shift: Shift, seen: Fault | Minute, *, rps: float = _RPS) -> list[str]:
    """What would have a fault seen that no decisive alarm sees, each with the argument that adds or changes an alarm; nothing when one sees it.

    Args:
        shift: The deployment's alarms and steps.
        seen: As in `cannot_see`.
        rps: As in `cannot_see`.
    """
    minutes = _minutes(shift, seen, rps)
    if _stops(shift, minutes) or not any(_rising(shift, minutes)):
        return []
    ours = remedies(shift)
    there = {kind(alarm) for alarm in _deciding(shift)}
    added = [
        _to_add(remedy)
        for remedy in ours
        if kind(remedy.alarm) not in there and any(_view(shift, remedy.alarm, minute).sees for minute in minutes)
    ]
    lowered = [_to_lower(alarm, _nearest(alarm, views), ours) for alarm, views in _feeling(shift, minutes)]
    if added or lowered:
        return added or lowered
    return [
        f"{_where(shift, minutes)}, and no alarm of ours tells that from a good release: give common_alarms= one on a metric of the service's own, "
        "or a SyntheticsCanary's"
    ]


@dataclass(frozen=True, kw_only=True)
class _View:
    """What an alarm makes of a minute.

    Attributes:
        reached: Its value with the fault.
        feels: Whether that is further towards the threshold, or beyond it, than a good release's.
        sees: Whether it fires, and would not for a good release.
    """

    reached: Point
    feels: bool
    sees: bool


def _view(shift: Shift, alarm: Alarm, minute: Minute) -> _View:
    def of(side: Mapping[str, Bucket]) -> tuple[Point, State]:
        points = {
            name: _point(shift, metric, side, minute.scale * alarm.period_s / 60)
            for name, metric in alarm.metrics.items()
        }
        reached = value(alarm.expression, points)
        return reached, state(alarm, [reached] * (alarm.evaluation_periods + EXTRA_POINTS))

    (good, quiet), (bad, firing) = of(minute.good), of(minute.bad)
    goes_on = bad is not None and (good is None or COMPARISONS[alarm.comparison](bad, good)) and bad != good
    return _View(reached=bad, feels=goes_on, sees=firing == "ALARM" != quiet)


def _point(shift: Shift, metric: Metric, side: Mapping[str, Bucket], scale: float) -> Point:
    return point(metric, [side[group] for group in groups(metric, shift.colours) if group in side], scale)


def _stops(shift: Shift, minutes: Iterable[Minute]) -> bool:
    """Whether a decisive alarm, or a composite that decides, sees the fault."""
    for minute in minutes:
        states: dict[str, State] = {
            alarm.name: "ALARM" if _is_judged(alarm) and _view(shift, alarm, minute).sees else "OK"
            for alarm in shift.alarms
        }
        for composite in shift.composites:
            if composite.children <= states.keys():
                states[composite.name] = composite.state(states)
        if any(states.get(name) == "ALARM" for name in shift.decisive):
            return True
    return False


def _deciding(shift: Shift) -> Iterator[Alarm]:
    """The alarms that decide, by themselves or under a composite, as far as they read the load balancer's metrics."""
    names = set(shift.decisive)
    for composite in reversed(shift.composites):
        names |= composite.children if composite.name in names else set()
    return (alarm for alarm in shift.alarms if alarm.name in names and _is_judged(alarm))


def _feeling(shift: Shift, minutes: Sequence[Minute]) -> Iterator[tuple[Alarm, list[_View]]]:
    """The deciding alarms that feel the fault, with what they make of it."""
    for alarm in _deciding(shift):
        if felt := [view for minute in minutes if (view := _view(shift, alarm, minute)).feels]:
            yield alarm, felt


def _is_judged(alarm: Alarm) -> bool:
    return all(can_measure(metric) for metric in alarm.metrics.values())


def _nearest(alarm: Alarm, views: Iterable[_View]) -> float:
    """The value that comes nearest to the threshold, or goes furthest beyond it."""
    reached = [view.reached for view in views if view.reached is not None]
    return max(reached) if COMPARISONS[alarm.comparison](1, 0) else min(reached)


def _minutes(shift: Shift, seen: Fault | Minute, rps: float) -> list[Minute]:
    if isinstance(seen, Minute):
        return [seen]
    weights = sorted({step.green_weight for step in shift.steps})
    # While green has little, while both have much, and when green has all: what lies between differs in degree only.
    chosen = {weights[0], weights[len(weights) // 2], weights[-1]}
    return [assumed(seen, green_share=weight / 100, rps=rps) for weight in sorted(chosen)]


def _rising(shift: Shift, minutes: Sequence[Minute]) -> Iterator[str]:
    """The metrics of our alarms that rise with the fault."""
    for metric in (metric for remedy in remedies(shift) for metric in remedy.alarm.metrics.values()):
        sides = [
            [_point(shift, metric, side, minute.scale) for side in (minute.good, minute.bad)] for minute in minutes
        ]
        if any(bad is not None and bad > (good or 0) for good, bad in sides):
            yield _named(metric)


def _where(shift: Shift, minutes: Sequence[Minute]) -> str:
    rising = list(_rising(shift, minutes))
    return f"the fault shows in {_list(rising)}" if rising else "the fault shows in no metric of the load balancer's"


def _named(metric: Metric) -> str:
    dimensions = " and ".join(sorted(metric.dimensions, reverse=True)) or "no dimension"
    return f"{metric.name} ({metric.statistic} by {dimensions})"


def _list(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _to_add(remedy: Remedy) -> str:
    alarm = remedy.alarm
    return (
        f"add an alarm on {_list(map(_named, alarm.metrics.values()))}: {remedy.adds} makes {alarm.name}, which sees the fault; "
        f"it fires at {alarm.expression} > {alarm.threshold:g}"
    )


def _to_lower(alarm: Alarm, reached: float, ours: Sequence[Remedy]) -> str:
    argument = next((remedy.argument for remedy in ours if kind(remedy.alarm) == kind(alarm)), None)
    what = f"ReleaseThresholds({argument}=)" if argument else "its threshold"
    return f"{alarm.name} reaches {reached:.3g} with the fault and fires beyond {alarm.threshold:g}: give {what} a value below {reached:.3g}"
