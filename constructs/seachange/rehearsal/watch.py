"""Watches the deployment's alarms as CloudWatch and CodeDeploy would, on the rehearsal's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seachange.evaluation import Alarm, Composite, Metric, Point, State, fewest_samples, state, value
from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.access_log import NO_GROUP
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.points import can_measure, groups, point, samples

# A minute's metrics of a load balancer become visible about a minute after it has ended (docs/facts/cloudwatch.md: inferred from reports).
VISIBLE_AFTER_S = 60.0


@dataclass
class Watched:
    """One alarm: its definition, its points so far, its state, and when it changed (seconds of the plan's clock)."""

    alarm: Alarm
    direction: str
    points: list[Point] = field(default_factory=list)
    state: State = "INSUFFICIENT_DATA"
    changes: list[tuple[float, State]] = field(default_factory=list)

    @property
    def fired(self) -> bool:
        return any(state == "ALARM" for _, state in self.changes)


class AlarmWatch:
    """Evaluates every alarm of the deployment that the stage can measure; only those of the release's direction can stop it."""

    def __init__(self, plan: Plan, measurements: Measurements, clock: Clock) -> None:
        self._plan = plan
        self._measurements = measurements
        self._clock = clock
        names = watched(plan)
        self.alarms = [
            Watched(alarm=alarm, direction=_direction(plan, alarm))
            for alarm in plan.shift.alarms
            if alarm.name in names
        ]
        self._states: dict[str, State] = {watched.alarm.name: watched.state for watched in self.alarms}
        self.composites: list[Composite] = []
        for composite in plan.shift.composites:
            if composite.children <= self._states.keys():
                self.composites.append(composite)
                self._states[composite.name] = "INSUFFICIENT_DATA"
        every = [alarm.name for alarm in plan.shift.alarms] + [composite.name for composite in plan.shift.composites]
        self.not_measured = [name for name in every if name not in self._states]

    @property
    def rolls_back(self) -> bool:
        """Whether an alarm that stops the deployment also takes traffic back."""
        return self._plan.shift.rolls_back_on_alarm

    def force(self, states: Mapping[str, State]) -> None:
        """Puts alarms into these states, as `aws cloudwatch set-alarm-state` does; the composites over them follow."""
        for watched in self.alarms:
            name = watched.alarm.name
            if states.get(name, watched.state) != watched.state:
                watched.state = self._states[name] = states[name]
                watched.changes.append((0.0, states[name]))
        self._follow()

    def firing(self) -> list[str]:
        """The decisive alarms in ALARM, composites included."""
        return [name for name, state in self._states.items() if state == "ALARM" and name in self._plan.shift.decisive]

    def poll(self, now: float) -> list[str]:
        """Takes in every period that is visible at epoch second `now`; returns the decisive alarms in ALARM."""
        for watched in self.alarms:
            period = watched.alarm.period_s
            while (
                end := self._clock.real(period * (len(watched.points) + 1))
            ) + VISIBLE_AFTER_S / self._clock.speed <= now:
                start = self._clock.real(period * len(watched.points))
                buckets = {colour: self._measurements.bucket(colour, start, end) for colour in (*COLOURS, NO_GROUP)}
                watched.points.append(alarm_point(self._plan, watched.alarm, buckets, self._clock.speed))
                if watched.alarm.ignores_low_samples and self._too_few(watched.alarm, buckets):
                    continue
                before, watched.state = watched.state, state(watched.alarm, watched.points, watched.state)
                if watched.state != before:
                    watched.changes.append((self._clock.plan(now), watched.state))
            self._states[watched.alarm.name] = watched.state
        self._follow()
        return self.firing()

    def _follow(self) -> None:
        """Has the composites follow the alarms that they ask for."""
        for composite in self.composites:
            self._states[composite.name] = composite.state(self._states)

    def _too_few(self, alarm: Alarm, buckets: Mapping[str, Bucket]) -> bool:
        return any(
            samples(metric, _select(self._plan, metric, buckets), self._clock.speed) < fewest_samples(metric.statistic)
            for metric in alarm.metrics.values()
        )


def watched(plan: Plan) -> frozenset[str]:
    """The names of the alarms whose metrics the stage has."""
    return frozenset(
        alarm.name
        for alarm in plan.shift.alarms
        if all(can_measure(metric) and groups(metric, plan.shift.colours) for metric in alarm.metrics.values())
    )


def alarm_point(plan: Plan, alarm: Alarm, buckets: Mapping[str, Bucket], speed: float) -> Point:
    """What an alarm compares with its threshold for one period.

    Args:
        buckets: Colour → what the load balancer measured in the period.
        speed: Seconds of the plan per second here; counts are multiplied by it.
    """
    return value(
        alarm.expression,
        {name: point(metric, _select(plan, metric, buckets), speed) for name, metric in alarm.metrics.items()},
    )


def _select(plan: Plan, metric: Metric, buckets: Mapping[str, Bucket]) -> list[Bucket]:
    return [buckets[colour] for colour in groups(metric, plan.shift.colours)]


def _direction(plan: Plan, alarm: Alarm) -> str:
    """Whose release the alarm stops: `blue` serves, so its alarms do not decide; `both` for one over neither group.

    A comparison reads both groups' metrics, and still finds fault with one of them.
    """
    if alarm.name not in plan.shift.decisive:
        return "blue"
    return "green" if any("TargetGroup" in metric.dimensions for metric in alarm.metrics.values()) else "both"
