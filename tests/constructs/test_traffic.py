"""`TrafficShift`."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from aws_cdk import Duration

from seachange import InvalidArgumentError, TrafficShift
from tests.constructs.apps import new_stack, template

MINUTES = Duration.minutes


@pytest.mark.parametrize(
    ("shift", "minutes", "routing"),
    [
        (TrafficShift.all_at_once(), 0, {"Type": "AllAtOnce"}),
        (
            TrafficShift.canary(percent=10, interval=MINUTES(5)),
            5,
            {"Type": "TimeBasedCanary", "TimeBasedCanary": {"CanaryInterval": 5, "CanaryPercentage": 10}},
        ),
        (
            # 10 % at once, then nine steps more.
            TrafficShift.linear(percent=10, interval=MINUTES(3)),
            27,
            {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearInterval": 3, "LinearPercentage": 10}},
        ),
        (
            # 30, 60, 90, 100.
            TrafficShift.linear(percent=30, interval=Duration.seconds(60)),
            3,
            {"Type": "TimeBasedLinear", "TimeBasedLinear": {"LinearInterval": 1, "LinearPercentage": 30}},
        ),
    ],
)
def test_the_template_states_the_plan(shift: TrafficShift, minutes: int, routing: dict[str, Any]) -> None:
    assert shift.duration.to_minutes() == minutes
    stack = new_stack()
    shift.deployment_config(stack, "Plan")
    expected = {"ComputePlatform": "ECS", "TrafficRoutingConfig": routing}
    template(stack).has_resource_properties("AWS::CodeDeploy::DeploymentConfig", expected)


@pytest.mark.parametrize("plan", [TrafficShift.canary, TrafficShift.linear])
@pytest.mark.parametrize(
    ("percent", "interval", "message"),
    [
        (0, MINUTES(1), "percent=.* 0: .*1 to 99"),
        (100, MINUTES(1), "percent=.* 100: .*all_at_once"),
        (12.5, MINUTES(1), "percent=.* 12.5: .*whole number"),
        (10, Duration.seconds(30), "interval=.*'30 s'.*whole minutes"),
        (10, Duration.seconds(90), "interval=.*'90 s'.*whole minutes"),
    ],
)
def test_refuses_what_codedeploy_would(
    plan: Callable[..., TrafficShift], percent: Any, interval: Duration, message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        plan(percent=percent, interval=interval)


def test_a_plan_is_a_value() -> None:
    plan = TrafficShift.canary(percent=10, interval=MINUTES(5))
    assert plan == TrafficShift.canary(percent=10, interval=MINUTES(5))
    with pytest.raises(FrozenInstanceError):
        plan.percent = 20  # type: ignore[misc]
