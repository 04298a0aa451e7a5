"""`HealthCheck`: Application Load Balancer's limits."""

from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration

from seachange import BlueGreenLoadBalancer, HealthCheck, InvalidArgumentError
from tests.constructs.apps import new_stack, resources, their_vpc


def test_the_defaults() -> None:
    check = HealthCheck()
    assert (check.path, check.healthy_threshold, check.unhealthy_threshold) == ("/health/ready", 2, 3)
    assert (check.interval.to_seconds(), check.timeout.to_seconds()) == (30, 5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "health"}, "path=.*slash"),
        ({"healthy_threshold": 1}, "healthy_threshold=.*2 to 10"),
        ({"unhealthy_threshold": 11}, "unhealthy_threshold=.*2 to 10"),
        ({"interval": Duration.seconds(4), "timeout": Duration.seconds(2)}, "interval=.*'4 s'.*5 to 300"),
        ({"interval": Duration.seconds(301)}, "interval=.*5 to 300"),
        ({"interval": Duration.seconds(5)}, "timeout=.*fewer than the interval's 5"),
        ({"timeout": Duration.seconds(1)}, "timeout=.*2 to 120"),
        ({"interval": 30}, "interval=.* 30: give a Duration"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        HealthCheck(**arguments)


def test_what_is_known_only_when_the_stack_deploys_reaches_the_template() -> None:
    stack = new_stack()
    number: Any = CfnParameter(stack, "Number", type="Number").value_as_number
    check = HealthCheck(
        healthy_threshold=number,
        unhealthy_threshold=number,
        interval=Duration.seconds(number),
        timeout=Duration.seconds(number),
    )
    BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), health_check=check)
    groups = [r["Properties"] for r in resources(stack).values() if r["Type"].endswith("TargetGroup")]
    assert len(groups) == 2
    for group in groups:
        for name in ("HealthyThresholdCount", "UnhealthyThresholdCount"):
            assert group[name] == {"Ref": "Number"}
        for name in ("HealthCheckIntervalSeconds", "HealthCheckTimeoutSeconds"):
            assert group[name] == {"Ref": "Number"}


def test_a_known_timeout_is_checked_beside_an_interval_that_is_not() -> None:
    number = CfnParameter(new_stack(), "Number", type="Number").value_as_number
    assert HealthCheck(interval=Duration.seconds(number), timeout=Duration.seconds(100)).timeout.to_seconds() == 100
    with pytest.raises(InvalidArgumentError, match=r"timeout=.*'121 s'.*fewer than the interval takes"):
        HealthCheck(interval=Duration.seconds(number), timeout=Duration.seconds(121))
