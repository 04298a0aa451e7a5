"""An alarm of the user's own that knows the direction."""

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch


@dataclass(frozen=True, kw_only=True)
class DirectedAlarm:
    """One concern, watched on both target groups: only the alarm of the group that is green takes a release back.

    Attributes:
        blue, green: An alarm over the metric of each group, such as one on `load_balancer.blue.metrics` and one on
            `load_balancer.green.metrics`.
    """

    blue: cloudwatch.IAlarm
    green: cloudwatch.IAlarm
