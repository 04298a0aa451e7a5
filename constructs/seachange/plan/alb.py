"""The metrics of an Application Load Balancer: their names, and the dimensions with which it sends them.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

import json
from collections.abc import Mapping

from seachange.assembly import referenced
from seachange.evaluation import Metric
from seachange.plan.model import COLOURS

ALB = "AWS/ApplicationELB"
RESPONSE_TIME = "TargetResponseTime"
HOSTS = ("HealthyHostCount", "UnHealthyHostCount")
# What became of a request once a target was chosen: of the load balancer and, with its name, of the target group.
OF_TARGETS = (
    "RequestCount",
    "TargetConnectionErrorCount",
    *(f"HTTPCode_Target_{family}XX_Count" for family in (2, 3, 4, 5)),
)
# What the load balancer answered, which names no group, whosever fault it was.
OF_BALANCER = (
    *(f"HTTPCode_ELB_{code}_Count" for code in ("3XX", "4XX", "5XX", "500", "502", "503", "504")),
    "HTTP_Fixed_Response_Count",
    "HTTP_Redirect_Count",
)
_BALANCER = frozenset({"LoadBalancer"})
_GROUP = _BALANCER | {"TargetGroup"}
# Each also comes with an Availability Zone, of which neither a rehearsal nor a simulation has one.
_DIMENSIONS: dict[str, tuple[frozenset[str], ...]] = {
    **dict.fromkeys((*OF_TARGETS, RESPONSE_TIME), (_BALANCER, _GROUP)),
    **dict.fromkeys(OF_BALANCER, (_BALANCER,)),
    **dict.fromkeys(HOSTS, (_GROUP,)),
}


def is_known(metric: Metric) -> bool:
    """Whether it is one of these metrics, with whatever dimensions."""
    return metric.namespace == ALB and metric.name in _DIMENSIONS


def has_data(metric: Metric) -> bool:
    """Whether the load balancer sends a known metric with these dimensions; an alarm on one that it does not send never has a point."""
    return frozenset(metric.dimensions) in _DIMENSIONS[metric.name]


def colours_of(metric: Metric, colours: Mapping[str, str]) -> tuple[str, ...]:
    """Which groups a metric is about: the one that it names, both when it names none, none when it names a stranger.

    Args:
        metric: The metric.
        colours: Logical id of a target group → its colour, as `Shift.colours`.
    """
    group = metric.dimensions.get("TargetGroup")
    if group is None:
        return COLOURS
    colour = colours.get(referenced(json.loads(group)) or "")
    return (colour,) if colour else ()
