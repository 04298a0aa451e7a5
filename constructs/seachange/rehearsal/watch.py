"""Watches the deployment's alarms as CloudWatch and CodeDeploy would, on the rehearsal's clock."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from seachange.assembly import referenced
from seachange.evaluation import Alarm, Metric, Point, State, fewest_samples, state, value
from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.metrics import Bucket, Measurements, can_measure, point, samples

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
        self.alarms = [
            Watched(alarm=alarm, direction=_direction(plan, alarm))
            for alarm in plan.shift.alarms
            if all(can_measure(metric) and _colours(plan, metric) for metric in alarm.metrics.values())
        ]
        self.not_measured = [
            alarm for alarm in plan.shift.alarms if alarm.name not in {watched.alarm.name for watched in self.alarms}
        ]

    @property
    def rolls_back(self) -> bool:
        """Whether an alarm that stops the deployment also takes traffic back."""
        return self._plan.shift.rolls_back_on_alarm

    def force(self, name: str) -> None:
        """Puts an alarm into ALARM, as `aws cloudwatch set-alarm-state` does."""
        for watched in self.alarms:
            if watched.alarm.name == name:
                watched.state = "ALARM"
                watched.changes.append((0.0, "ALARM"))

    def firing(self) -> list[str]:
        """The decisive alarms in ALARM."""
        return [
            watched.alarm.name
            for watched in self.alarms
            if watched.state == "ALARM" and watched.alarm.name in self._plan.shift.decisive
        ]

    def poll(self, now: float) -> list[str]:
        """Takes in every period that is visible at epoch second `now`; returns the decisive alarms in ALARM."""
        for watched in self.alarms:
            period = watched.alarm.period_s
            while (
                end := self._clock.real(period * (len(watched.points) + 1))
            ) + VISIBLE_AFTER_S / self._clock.speed <= now:
                start = self._clock.real(period * len(watched.points))
                buckets = {colour: self._measurements.bucket(colour, start, end) for colour in COLOURS}
                watched.points.append(self._point(watched.alarm, buckets))
                if watched.alarm.ignores_low_samples and self._too_few(watched.alarm, buckets):
                    continue
                before, watched.state = watched.state, state(watched.alarm, watched.points, watched.state)
                if watched.state != before:
                    watched.changes.append((self._clock.plan(now), watched.state))
        return self.firing()

    def _point(self, alarm: Alarm, buckets: Mapping[str, Bucket]) -> Point:
        return value(
            alarm.expression,
            {
                name: point(metric, self._select(metric, buckets), self._clock.speed)
                for name, metric in alarm.metrics.items()
            },
        )

    def _too_few(self, alarm: Alarm, buckets: Mapping[str, Bucket]) -> bool:
        return any(
            samples(metric, self._select(metric, buckets), self._clock.speed) < fewest_samples(metric.statistic)
            for metric in alarm.metrics.values()
        )

    def _select(self, metric: Metric, buckets: Mapping[str, Bucket]) -> list[Bucket]:
        return [buckets[colour] for colour in _colours(self._plan, metric)]


def _direction(plan: Plan, alarm: Alarm) -> str:
    """Whose release the alarm stops: `blue` serves, so its alarms do not decide; `both` for one over neither group.

    A comparison reads both groups' metrics, and still finds fault with one of them.
    """
    if alarm.name not in plan.shift.decisive:
        return "blue"
    return "green" if any("TargetGroup" in metric.dimensions for metric in alarm.metrics.values()) else "both"


def _colours(plan: Plan, metric: Metric) -> tuple[str, ...]:
    """Which groups a metric is about: the one that it names, all when it names none, none when it names a stranger."""
    group = metric.dimensions.get("TargetGroup")
    if group is None:
        return COLOURS
    colour = plan.shift.colours.get(referenced(json.loads(group)) or "")
    return (colour,) if colour else ()
