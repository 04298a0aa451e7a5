"""`HealthCheck`: Application Load Balancer's limits."""

from typing import Any

import pytest
from aws_cdk import Duration

from seachange import HealthCheck, InvalidArgumentError


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
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        HealthCheck(**arguments)
