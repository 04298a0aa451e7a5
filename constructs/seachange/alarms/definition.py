"""One alarm before it is made."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from seachange.alarms.notifications import notify

# The load balancer and RDS send their metrics every 60 seconds: a shorter period sees nothing sooner.
PERIOD = Duration.minutes(1)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One alarm before it is made.

    Attributes:
        name: Its construct id.
        metric: What is compared.
        threshold: ALARM beyond it.
        datapoints, periods: ALARM when so many of so many periods are beyond it.
        missing: What a period without data means.
        below: Whether beyond is below; above by default.
    """

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    datapoints: int
    periods: int = 3
    missing: cloudwatch.TreatMissingData
    below: bool = False


def make(scope: Construct, definition: Definition, notifications: sns.ITopic | None) -> cloudwatch.Alarm:
    """The alarm, which tells the topic if there is one."""
    operators = cloudwatch.ComparisonOperator
    alarm = cloudwatch.Alarm(
        scope,
        definition.name,
        metric=definition.metric,
        comparison_operator=operators.LESS_THAN_THRESHOLD if definition.below else operators.GREATER_THAN_THRESHOLD,
        threshold=definition.threshold,
        evaluation_periods=definition.periods,
        datapoints_to_alarm=definition.datapoints,
        treat_missing_data=definition.missing,
    )
    notify(alarm, notifications)
    return alarm
