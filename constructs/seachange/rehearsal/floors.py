"""Which alarms a compressed rehearsal can exercise at all: where a period holds too few requests, none is *passed*, it is *not exercised*."""

from dataclasses import dataclass

from seachange.evaluation import COMPARISONS, Alarm
from seachange.plan.model import COLOURS, Plan
from seachange.rehearsal.access_log import NO_GROUP
from seachange.rehearsal.metrics import Bucket
from seachange.rehearsal.watch import VISIBLE_AFTER_S, Watched, alarm_point

# What `decides_up_to` tries; the plan's own clock is 1.
_SPEEDS = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 480, 960)
_GOOD_S, _SLOW_S = 0.01, 3600.0
_PER_REQUEST = ("RequestCount", "HTTPCode_", "TargetConnectionErrorCount", "TargetResponseTime")


@dataclass(frozen=True, kw_only=True)
class Floor:
    """What an alarm can tell apart in one compressed period.

    Attributes:
        requests_per_period: Requests of the colour that it watches, at the step that gives it most to decide on; None where requests do not matter.
        decides_up_to: The highest speed tried at which it still decides; None where there is none, or where requests do not matter.
        why_not: Why it is not exercised; empty when it is.
    """

    requests_per_period: int | None
    decides_up_to: float | None
    why_not: str

    @property
    def exercised(self) -> bool:
        return not self.why_not


def floor(plan: Plan, watched: Watched, *, rate: float, speed: float) -> Floor:
    """Whether one alarm decides at this rate and speed.

    It does where, at some step, a period in which every request is bad breaches, and one in which a single request is does not: else
    the alarm is blind, or a stray failure decides. And as many periods as it needs must end, and become visible, before the bake does.

    Args:
        rate: Requests per second, both colours together.
        speed: Seconds of the plan per second here.
    """
    alarm = watched.alarm
    if why_not := _too_short(plan, alarm):
        return Floor(requests_per_period=None, decides_up_to=None, why_not=why_not)
    if not any(metric.name.startswith(_PER_REQUEST) for metric in alarm.metrics.values()):
        return Floor(requests_per_period=None, decides_up_to=None, why_not="")
    requests, why_not = _best(plan, watched, rate * alarm.period_s / speed, speed)
    speeds = [tried for tried in _SPEEDS if not _best(plan, watched, rate * alarm.period_s / tried, tried)[1]]
    if why_not and speeds:
        why_not += f"; it decides at --speed {max(speeds)} or less"
    return Floor(requests_per_period=requests, decides_up_to=max(speeds, default=None), why_not=why_not)


def _too_short(plan: Plan, alarm: Alarm) -> str:
    """Why an alarm cannot fire before the deployment is over, at whatever speed; where missing data breach, fewer periods suffice."""
    lasts_s = plan.shift.duration_s + plan.shift.bake_s
    seen = max(0, int((lasts_s - VISIBLE_AFTER_S) // alarm.period_s))
    if alarm.missing_data == "breaching" or seen >= alarm.datapoints_to_alarm:
        return ""
    return f"the deployment ends after {seen} of the {alarm.datapoints_to_alarm} periods that it needs; bake longer"


def _best(plan: Plan, watched: Watched, requests: float, speed: float) -> tuple[int, str]:
    """The requests of the watched colour at the step that suits the alarm best, and why it does not decide even there."""
    tried = []
    for weight in dict.fromkeys(step.green_weight for step in plan.shift.steps):
        share = weight if watched.direction != "blue" else 100 - weight
        own, other = round(requests * share / 100), round(requests * (100 - share) / 100)
        if own:
            tried.append((_verdict(plan, watched, own, other, speed), own))
    decided = [own for verdict, own in tried if not verdict]
    if decided:
        return max(decided), ""
    most = max((own for _, own in tried), default=0)
    return most, next(
        (verdict for verdict, own in tried if own == most), "no request reaches the colour that it watches"
    )


def _verdict(plan: Plan, watched: Watched, own: int, other: int, speed: float) -> str:
    if _breaches(plan, watched, own, other, bad=0, speed=speed):
        return "it fires without any fault"
    if not _breaches(plan, watched, own, other, bad=own, speed=speed):
        return f"even if all {own} requests of a period went wrong it would not fire"
    if own > 1 and _breaches(plan, watched, own, other, bad=1, speed=speed):
        return f"a single bad request of a period's {own} decides"
    return "" if own > 1 else "a period holds a single request"


def _breaches(plan: Plan, watched: Watched, own: int, other: int, *, bad: int, speed: float) -> bool:
    """Whether a period with so many bad requests breaches, whatever kind of bad the alarm looks for."""
    faulty = "blue" if watched.direction == "blue" else "green"
    kinds = [_errors(own, bad), _slow(own, bad), _balancers(own, bad), _unconnected(own, bad)]
    return any(
        _compares(plan, watched.alarm, {faulty: kind, _other(faulty): _errors(other, 0), NO_GROUP: Bucket()}, speed)
        for kind in kinds
    )


def _compares(plan: Plan, alarm: Alarm, buckets: dict[str, Bucket], speed: float) -> bool:
    found = alarm_point(plan, alarm, buckets, speed)
    return found is not None and COMPARISONS[alarm.comparison](found, alarm.threshold)


def _other(colour: str) -> str:
    return next(name for name in COLOURS if name != colour)


def _errors(requests: int, bad: int) -> Bucket:
    return _bucket(requests, bad, {5: bad})


def _slow(requests: int, bad: int) -> Bucket:
    bucket = _bucket(requests, 0, {})
    bucket.response_s[:bad] = [_SLOW_S] * bad
    return bucket


def _balancers(requests: int, bad: int) -> Bucket:
    bucket = _bucket(requests, bad, {})
    bucket.balancer.update({502: bad})
    return bucket


def _unconnected(requests: int, bad: int) -> Bucket:
    bucket = _bucket(requests - bad, 0, {})
    bucket.connection_errors = bad
    return bucket


def _bucket(requests: int, bad: int, statuses: dict[int, int]) -> Bucket:
    bucket = Bucket(requests=requests, unhealthy=0, healthy=1)
    bucket.statuses.update({2: requests - bad} | statuses)
    bucket.response_s += [_GOOD_S] * requests
    return bucket
