"""A minute of a release beside the same minute with a fault, as the load balancer would measure the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from seachange.plan.faults import Fault
from seachange.rehearsal.metrics import Bucket

# A service like many: half of the answers within 20 ms, one in a hundred beyond 200. Only differences to it matter here.
_MEDIAN_S, _P99_S = 0.02, 0.2
_TASKS = 2
_SAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class Minute:
    """What the load balancer measured of each colour in a minute.

    Attributes:
        good: Of a release without a fault.
        bad: With the fault.
        scale: By which counts are multiplied: they were taken in a compressed minute.
    """

    good: Mapping[str, Bucket]
    bad: Mapping[str, Bucket]
    scale: float = 1.0


def assumed(fault: Fault, *, green_share: float, rps: float) -> Minute:
    """A minute while the fault shows.

    Args:
        fault: What green does wrong.
        green_share: Green's share of the requests; between 0 and 1.
        rps: Requests per second of the whole service.
    """
    blue, green = rps * (1 - green_share), rps * green_share
    shown = fault if green > fault.above_rps else Fault()
    untouched = _bucket(Fault(), blue)
    return Minute(
        good={"blue": untouched, "green": _bucket(Fault(), green)},
        bad={"blue": untouched, "green": _bucket(shown, green)},
    )


def observed(blue: Bucket, green: Bucket, *, speed: float) -> Minute:
    """A minute that was measured, beside one in which every request had been answered well, and as fast as blue did.

    Args:
        blue, green: What was measured in a minute of the plan's clock.
        speed: Seconds of the plan per second here.
    """
    measured = {"blue": blue, "green": green}
    return Minute(
        good={colour: _healed(bucket, blue.response_s) for colour, bucket in measured.items()},
        bad=measured,
        scale=speed,
    )


def _bucket(fault: Fault, rps: float) -> Bucket:
    requests = round(60 * rps)
    concerned = requests * fault.share
    resets, errors = round(concerned * fault.resets), round(concerned * fault.errors)
    made = Bucket(
        requests=requests, healthy=0 if fault.unhealthy else _TASKS, unhealthy=_TASKS if fault.unhealthy else 0
    )
    made.statuses[5] = errors
    made.statuses[2] = max(0, requests - errors - resets)
    made.balancer[502] = resets
    if requests > resets:
        slow = round(_SAMPLES * fault.share)
        times = _times(_SAMPLES - slow) + [fault.delay_s + fault.slowdown * time_s for time_s in _times(slow)]
        made.response_s = times
    return made


@cache
def _times(count: int) -> list[float]:
    """So many response times, evenly over their distribution."""
    normal = NormalDist()
    spread = (_P99_S / _MEDIAN_S) ** (1 / normal.inv_cdf(0.99))
    return [_MEDIAN_S * spread ** normal.inv_cdf((index + 0.5) / count) for index in range(count)]


def _healed(bucket: Bucket, response_s: list[float]) -> Bucket:
    targets = (bucket.healthy or 0) + (bucket.unhealthy or 0)
    healed = Bucket(
        requests=bucket.requests,
        response_s=response_s or bucket.response_s,
        unhealthy=None if bucket.unhealthy is None else 0,
        healthy=None if bucket.healthy is None else targets,
    )
    healed.statuses[2] = bucket.requests
    return healed
