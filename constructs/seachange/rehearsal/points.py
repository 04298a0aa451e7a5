"""What CloudWatch would have been told: buckets of the access log as the points of the metrics that alarms read.

A compressed period holds fewer requests than the real one. Counts are therefore multiplied by the speed, so that thresholds and minimums
mean what they mean in the template; times and percentiles are taken as measured.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from seachange.evaluation import Metric, Point
from seachange.plan.alb import HOSTS, RESPONSE_TIME, colours_of, has_data, is_known
from seachange.plan.model import COLOURS
from seachange.rehearsal.access_log import NO_GROUP
from seachange.rehearsal.metrics import Bucket, percentile


def can_measure(metric: Metric) -> bool:
    """Whether the stage has this metric."""
    return is_known(metric)


def groups(metric: Metric, colours: Mapping[str, str]) -> tuple[str, ...]:
    """Which buckets a metric is about: the group's that it names, all when it names none, none when it names a stranger.

    Args:
        metric: One that can be measured.
        colours: As `Shift.colours`.
    """
    about = colours_of(metric, colours)
    return (*about, NO_GROUP) if about == COLOURS else about


def point(metric: Metric, buckets: Sequence[Bucket], speed: float) -> Point:
    """The metric's value over the `buckets` that its dimensions select; None when CloudWatch would have no data."""
    if not has_data(metric):
        return None
    total = Bucket()
    for bucket in buckets:
        total.add(bucket)
    if metric.name in HOSTS:
        hosts = total.unhealthy if metric.name == "UnHealthyHostCount" else total.healthy
        return None if hosts is None else float(hosts)
    if metric.name == RESPONSE_TIME:
        return _of_times(total.response_s, metric.statistic, speed)
    # The ALB reports these only when they are not zero; RequestCount too flows only with requests.
    count = _COUNTS[metric.name](total)
    if not count:
        return None
    # Each request is a sample of 1: any other statistic of a count is 1, however many there were (older text of the page on the ALB's metrics).
    return count * speed if metric.statistic in {"Sum", "SampleCount"} else 1.0


def samples(metric: Metric, buckets: Sequence[Bucket], speed: float) -> float:
    """How many samples a percentile in `point` would have on AWS; infinitely many for any other statistic."""
    if not metric.statistic.startswith("p"):
        return math.inf
    return speed * sum(len(bucket.response_s) for bucket in buckets)


def _own(family: int) -> Callable[[Bucket], int]:
    return lambda bucket: sum(count for status, count in bucket.balancer.items() if status // 100 == family)


_COUNTS: dict[str, Callable[[Bucket], int]] = {
    "RequestCount": lambda bucket: bucket.requests,
    "TargetConnectionErrorCount": lambda bucket: bucket.connection_errors,
    "HTTPCode_Target_2XX_Count": lambda bucket: bucket.statuses[2],
    "HTTPCode_Target_3XX_Count": lambda bucket: bucket.statuses[3],
    "HTTPCode_Target_4XX_Count": lambda bucket: bucket.statuses[4],
    "HTTPCode_Target_5XX_Count": lambda bucket: bucket.statuses[5],
    "HTTPCode_ELB_3XX_Count": _own(3),
    "HTTPCode_ELB_4XX_Count": _own(4),
    "HTTPCode_ELB_5XX_Count": _own(5),
    "HTTPCode_ELB_500_Count": lambda bucket: bucket.balancer[500],
    "HTTPCode_ELB_502_Count": lambda bucket: bucket.balancer[502],
    "HTTPCode_ELB_503_Count": lambda bucket: bucket.balancer[503],
    "HTTPCode_ELB_504_Count": lambda bucket: bucket.balancer[504],
    "HTTP_Fixed_Response_Count": lambda bucket: sum(bucket.by_listener.values()) - bucket.redirects,
    "HTTP_Redirect_Count": lambda bucket: bucket.redirects,
}


def _of_times(samples: Sequence[float], statistic: str, speed: float) -> Point:
    if not samples:
        return None
    match statistic:
        case "Average":
            return sum(samples) / len(samples)
        case "Maximum":
            return max(samples)
        case "Minimum":
            return min(samples)
        case "SampleCount":
            return len(samples) * speed
        case "Sum":
            return sum(samples) * speed
    return percentile(samples, float(statistic.removeprefix("p")))
