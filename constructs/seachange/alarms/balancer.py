"""What each alarm over the load balancer compares with what: expressions, thresholds, minutes, and what missing data means.

RequestCount counts a request once a target was chosen. Whether it counts one whose connection then fails is not documented, so the rates of
such failures divide by requests and failures together: right either way to within a factor of two, and defined when nothing succeeds.

FILL may give the newest minute, whose data is still under way, a value that it does not have. Within a condition on requests as they are it cannot:
a minute without any has no point, and CloudWatch looks at the minutes before it. ConnectionErrors and LoadBalancer5xx alone fill their condition
too, for there are errors in minutes without a counted request. To these two the newest minute may be one of N without an error: they never ask for
all of N.
"""

from aws_cdk import Tokenization
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from seachange.alarms.definition import PERIOD, Definition
from seachange.alarms.thresholds import ReleaseThresholds


def of_group(name: str, group: elbv2.ApplicationTargetGroup, thresholds: ReleaseThresholds) -> list[Definition]:
    """What is wrong with a target group by itself.

    Args:
        name: `Blue` or `Green`.
        group: The target group.
        thresholds: When.
    """
    metrics = group.metrics
    requests = metrics.request_count(statistic="Sum", period=PERIOD)
    fewest = Tokenization.stringify_number(thresholds.minimum_requests)
    enough = f"requests >= {fewest}"
    # Where nothing connects, perhaps nothing counts as a request.
    tried = "FILL(requests, 0) + FILL(errors, 0)"
    return [
        Definition(
            name=f"{name}5xxRate",
            metric=_math(
                # A minute without an error may come without a data point: FILL makes it 0. One without requests stays without a point.
                f"IF({enough}, 100 * FILL(errors, 0) / requests, 0)",
                f"{name}: 5xx answers, percent of requests",
                requests=requests,
                errors=metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=PERIOD),
            ),
            threshold=thresholds.error_percent,
            datapoints=thresholds.error_datapoints,
            periods=thresholds.error_periods,
            # The group that is not in service has no traffic, hence no data: that is well.
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        ),
        Definition(
            name=f"{name}ConnectionErrors",
            metric=_math(
                f"IF({tried} >= {fewest}, 100 * FILL(errors, 0) / ({tried}), 0)",
                f"{name}: failed connections to targets, percent of requests",
                requests=requests,
                errors=metrics.target_connection_error_count(statistic="Sum", period=PERIOD),
            ),
            threshold=thresholds.connection_error_percent,
            datapoints=thresholds.error_datapoints,
            periods=thresholds.error_periods,
            # Both metrics come only when they are not zero: no data is no failed connection.
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        ),
        Definition(
            name=f"{name}P99",
            metric=_math(
                f"IF({enough}, p99, 0)",
                f"{name}: 99th percentile of the response time, seconds",
                requests=requests,
                p99=metrics.target_response_time(statistic="p99", period=PERIOD),
            ),
            threshold=thresholds.p99_seconds,
            datapoints=3,
            # As for the rate: no traffic, no data, and that is well.
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        ),
        _unhealthy(name, metrics.unhealthy_host_count(statistic="Maximum", period=PERIOD)),
    ]


def of_network_group(name: str, group: elbv2.NetworkTargetGroup) -> list[Definition]:
    """What can be seen of a target group behind a Network Load Balancer, which counts neither requests nor errors."""
    return [_unhealthy(name, group.metrics.un_healthy_host_count(statistic="Maximum", period=PERIOD))]


def against(
    name: str,
    group: elbv2.ApplicationTargetGroup,
    other_name: str,
    other: elbv2.ApplicationTargetGroup,
    thresholds: ReleaseThresholds,
) -> list[Definition]:
    """What is wrong with a target group in comparison: it is worse than the other one, both having had enough requests.

    Args:
        name, other_name: `Blue` and `Green`, either way round.
        group: The one that is found fault with.
        other: The one that it is compared with.
        thresholds: By how much.
    """
    requests, other_requests = (side.metrics.request_count(statistic="Sum", period=PERIOD) for side in (group, other))
    errors, other_errors = (
        side.metrics.http_code_target(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=PERIOD)
        for side in (group, other)
    )
    p90, other_p90 = (side.metrics.target_response_time(statistic="p90", period=PERIOD) for side in (group, other))
    fewest, factor = Tokenization.stringify_number(thresholds.comparison_requests), thresholds.comparison_factor
    # A group without requests has too few, for AND takes what is missing for false; a minute in which neither has any has no point.
    enough = f"requests >= {fewest} AND other_requests >= {fewest}"
    return [
        Definition(
            name=f"{name}ErrorsAgainst{other_name}",
            metric=_math(
                f"IF({enough}, 100 * FILL(errors, 0) / requests - {100 * factor:g} * FILL(other_errors, 0) / other_requests, 0)",
                f"{name}: percentage points of 5xx answers beyond {factor:g} times {other_name}'s",
                requests=requests,
                other_requests=other_requests,
                errors=errors,
                other_errors=other_errors,
            ),
            threshold=thresholds.comparison_error_percent,
            datapoints=thresholds.error_datapoints,
            periods=thresholds.error_periods,
            # Without data of either group there is nothing to compare.
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        ),
        Definition(
            name=f"{name}LatencyAgainst{other_name}",
            metric=_math(
                # A group that refuses every connection may have requests and no latency: nobody is slow beside it.
                f"IF({enough} AND other_p90 > 0, p90 - {factor:g} * other_p90, 0)",
                f"{name}: seconds of the 90th percentile beyond {factor:g} times {other_name}'s",
                requests=requests,
                other_requests=other_requests,
                p90=p90,
                other_p90=other_p90,
            ),
            threshold=thresholds.comparison_p90_seconds,
            datapoints=3,
            # Three minutes, as for P99; one among them that is quicker, or of which one group's data is still under way, saves no slow release.
            periods=4,
            # Without data of either group there is nothing to compare.
            missing=cloudwatch.TreatMissingData.NOT_BREACHING,
        ),
    ]


def of_balancer(load_balancer: elbv2.IApplicationLoadBalancer, thresholds: ReleaseThresholds) -> Definition:
    """The errors that the load balancer answers with in its targets' place; CloudWatch does not say whose place."""
    codes = {
        "e502": elbv2.HttpCodeElb.ELB_502_COUNT,
        "e503": elbv2.HttpCodeElb.ELB_503_COUNT,
        "e504": elbv2.HttpCodeElb.ELB_504_COUNT,
    }
    errors = " + ".join(f"FILL({name}, 0)" for name in codes)
    # No request is counted where no target could be chosen, as with a 503.
    total = f"FILL(requests, 0) + {errors}"
    return Definition(
        name="LoadBalancer5xx",
        metric=_math(
            f"IF({total} >= {Tokenization.stringify_number(thresholds.minimum_requests)}, 100 * ({errors}) / ({total}), 0)",
            "Load balancer: its own 502, 503 and 504, percent of requests",
            requests=load_balancer.metrics.request_count(statistic="Sum", period=PERIOD),
            **{
                name: load_balancer.metrics.http_code_elb(code, statistic="Sum", period=PERIOD)
                for name, code in codes.items()
            },
        ),
        threshold=thresholds.balancer_error_percent,
        datapoints=thresholds.error_datapoints,
        periods=thresholds.error_periods,
        # These metrics come only when they are not zero: no data is no error.
        missing=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _unhealthy(name: str, hosts: cloudwatch.IMetric) -> Definition:
    """Three minutes: ECS replaces a single sick task within them, and a release whose tasks keep falling sick is caught."""
    return Definition(
        name=f"{name}Unhealthy",
        metric=hosts,
        threshold=0,
        datapoints=3,
        # A group without targets, as one out of service is, has no data.
        missing=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _math(expression: str, label: str, **metrics: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(expression=expression, using_metrics=metrics, period=PERIOD, label=label)
