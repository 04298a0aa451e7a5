"""The alarms that watch a release, on both target groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from seachange.errors import InvalidArgumentError

# The load balancer sends its metrics every 60 seconds: a shorter period sees nothing sooner.
_PERIOD = Duration.minutes(1)


@dataclass(frozen=True, kw_only=True)
class ReleaseThresholds:
    """What a release may do before it is taken back.

    A rate, never a count: a count of errors is blind on a quiet service and takes back every good release on a busy one.

    Attributes:
        error_percent: 5xx answers in percent of all requests, more than which is too many in 2 of 3 minutes: 2 by default.
        p99_seconds: The 99th percentile of the response time, more than which is too slow for 3 minutes: 1 by default.
        minimum_requests: A minute with fewer requests says nothing about rate and percentile: 50 by default.
    """

    error_percent: float = 2
    p99_seconds: float = 1
    minimum_requests: int = 50

    def __post_init__(self) -> None:
        if not 0 < self.error_percent < 100:
            raise InvalidArgumentError(
                "ReleaseThresholds(error_percent=)", self.error_percent, "give more than 0 and less than 100"
            )
        if self.p99_seconds <= 0:
            raise InvalidArgumentError("ReleaseThresholds(p99_seconds=)", self.p99_seconds, "give more than 0")
        if self.minimum_requests < 1:
            raise InvalidArgumentError("ReleaseThresholds(minimum_requests=)", self.minimum_requests, "give 1 or more")


class ReleaseAlarms(Construct):
    """Three alarms on each of the two target groups: the groups swap roles at every deployment, so either may be the one to watch.

    The deployment resource finds out which group is green and hands CodeDeploy that group's alarms: a sick blue must not stop the release
    that heals it.

    Args:
        blue, green: The target groups.
        thresholds: `ReleaseThresholds()` by default.
        common: Alarms over neither group, which watch every release; none by default.

    Attributes:
        blue, green: The alarms over each group.
        common: As given.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        blue: elbv2.ApplicationTargetGroup,
        green: elbv2.ApplicationTargetGroup,
        thresholds: ReleaseThresholds | None = None,
        common: Sequence[cloudwatch.IAlarm] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        thresholds = thresholds or ReleaseThresholds()
        self.blue = self._over("Blue", blue, thresholds)
        self.green = self._over("Green", green, thresholds)
        self.common = list(common)

    def _over(
        self, name: str, group: elbv2.ApplicationTargetGroup, thresholds: ReleaseThresholds
    ) -> list[cloudwatch.IAlarm]:
        requests = group.metrics.request_count(statistic="Sum", period=_PERIOD)
        errors = group.metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=_PERIOD)
        p99 = group.metrics.target_response_time(statistic="p99", period=_PERIOD)
        enough = f"requests >= {thresholds.minimum_requests}"
        return [
            self._alarm(
                f"{name}5xxRate",
                cloudwatch.MathExpression(
                    # A minute without an error may come without a data point: FILL makes it 0. One without requests stays without a point.
                    expression=f"IF({enough}, 100 * FILL(errors, 0) / requests, 0)",
                    using_metrics={"requests": requests, "errors": errors},
                    period=_PERIOD,
                    label=f"{name}: 5xx answers, percent of requests",
                ),
                thresholds.error_percent,
                datapoints=2,
            ),
            self._alarm(
                f"{name}P99",
                cloudwatch.MathExpression(
                    expression=f"IF({enough}, p99, 0)",
                    using_metrics={"requests": requests, "p99": p99},
                    period=_PERIOD,
                    label=f"{name}: 99th percentile of the response time, seconds",
                ),
                thresholds.p99_seconds,
                datapoints=3,
            ),
            # Three minutes: ECS replaces a single sick task within them, and a release whose tasks keep falling sick is caught.
            self._alarm(
                f"{name}Unhealthy",
                group.metrics.unhealthy_host_count(statistic="Maximum", period=_PERIOD),
                0,
                datapoints=3,
            ),
        ]

    def _alarm(self, name: str, metric: cloudwatch.IMetric, threshold: float, *, datapoints: int) -> cloudwatch.IAlarm:
        return cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            threshold=threshold,
            evaluation_periods=3,
            datapoints_to_alarm=datapoints,
            # The group that is not in service has no traffic, hence no data: that is well.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
