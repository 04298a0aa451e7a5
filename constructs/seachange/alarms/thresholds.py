"""When a release is taken back."""

from dataclasses import dataclass
from functools import partial
from operator import le

from aws_cdk import Token

from seachange.errors import InvalidArgumentError
from seachange.known import LATER, check_number

# CloudWatch calls a percentile of fewer than 10 / (1 - p) samples a low sample: 100 for p90 (docs/facts/cloudwatch.md).
_FEWEST_FOR_P90 = 100


@dataclass(frozen=True, kw_only=True)
class ReleaseThresholds:
    """What a release may do before it is taken back.

    Rates, never counts: a count of errors is blind on a quiet service and takes back every good release on a busy one. All but
    `comparison_factor` may be known only when the stack deploys.

    Attributes:
        error_percent: 5xx answers in percent of all requests, more than which is too many: 2 by default.
        connection_error_percent: Connections to a group that failed, in percent of its requests and of these connections together, more than
            which is too many: 2 by default, for to the caller each is an error like a 5xx answer.
        balancer_error_percent: The load balancer's own 502, 503 and 504 in percent of its requests and of these errors together, more than
            which is too many: 2 by default. Blue's good answers dilute green's share of them: with 10 % of the traffic on green, 2 % of all is a
            fifth of green's.
        error_datapoints, error_periods: In so many of so many minutes there must be too many errors, of any of these kinds and in comparison: 2
            of 3 by default. Not all of them: of the newest minute CloudWatch may not know everything yet.
        p99_seconds: The 99th percentile of the response time, more than which is too slow for 3 minutes: 1 by default.
        minimum_requests: A minute with fewer requests says nothing about these: 50 by default.
        comparison_factor: How many times the other group's error rate or latency is still no difference: 2 by default, 1 at least.
        comparison_error_percent: Percentage points of errors beyond `comparison_factor` times the other group's, more than which is too many:
            1 by default, so a release may be caught at half of `error_percent`.
        comparison_p90_seconds: Seconds of the 90th percentile beyond `comparison_factor` times the other group's, more than which is too slow in
            3 of 4 minutes: 0.1 by default, which people notice.
        comparison_requests: A minute in which either group had fewer requests compares nothing: 200 by default, 100 at least, since a 90th
            percentile of fewer is no statistic. With 200, a one percent difference takes three errors in a minute, not one.
    """

    error_percent: float = 2
    connection_error_percent: float = 2
    balancer_error_percent: float = 2
    error_datapoints: int = 2
    error_periods: int = 3
    p99_seconds: float = 1
    minimum_requests: int = 50
    comparison_factor: float = 2
    comparison_error_percent: float = 1
    comparison_p90_seconds: float = 0.1
    comparison_requests: int = 200

    def __post_init__(self) -> None:
        for name in (
            "error_percent",
            "connection_error_percent",
            "balancer_error_percent",
            "comparison_error_percent",
        ):
            check_number(
                f"ReleaseThresholds({name}=)",
                getattr(self, name),
                lambda percent: 0 < percent < 100,
                "give more than 0 and less than 100",
            )
        for name in ("p99_seconds", "comparison_p90_seconds"):
            check_number(
                f"ReleaseThresholds({name}=)", getattr(self, name), lambda seconds: seconds > 0, "give more than 0"
            )
        for name, least, remedy in (
            ("error_datapoints", 1, "give 1 or more"),
            ("error_periods", 2, "give 2 or more"),
            ("minimum_requests", 1, "give 1 or more"),
            ("comparison_factor", 1, "give 1 or more: below it equals would differ"),
            (
                "comparison_requests",
                _FEWEST_FOR_P90,
                f"give {_FEWEST_FOR_P90} or more: a 90th percentile of fewer requests is no statistic",
            ),
        ):
            value = getattr(self, name)
            check_number(f"ReleaseThresholds({name}=)", value, partial(le, least), remedy)
        counts = (self.error_datapoints, self.error_periods)
        if not any(Token.is_unresolved(count) for count in counts) and self.error_datapoints >= self.error_periods:
            raise InvalidArgumentError(
                "ReleaseThresholds(error_datapoints=, error_periods=)",
                "{} of {}".format(*counts),
                "give fewer datapoints than periods: the newest minute may not have all of its data yet",
            )
        if Token.is_unresolved(self.comparison_factor):
            raise InvalidArgumentError(
                "ReleaseThresholds(comparison_factor=)",
                LATER,
                "give a number that the program knows: the alarms' expressions hold a hundred times of it",
            )
