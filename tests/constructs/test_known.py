"""Values that are known only when the stack deploys, in every setting that takes numbers and times."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import Duration

from seachange import HealthCheck, InvalidArgumentError, ReleaseThresholds, ScalingTargets, TrafficShift
from seachange.alarms import DatabaseThresholds
from seachange.deployment.smoke import SmokeTest
from seachange.known import check_number, known_time, synthesis_time
from tests.constructs.apps import new_stack


def later(stack: cdk.Stack | None = None) -> Any:
    """A number that CloudFormation fills in."""
    return cdk.CfnParameter(stack or new_stack(), "Number", type="Number").value_as_number


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (HealthCheck, ("healthy_threshold", "unhealthy_threshold")),
        (ScalingTargets, ("cpu_percent", "memory_percent", "requests_per_task")),
        (
            ReleaseThresholds,
            (
                "error_percent",
                "connection_error_percent",
                "balancer_error_percent",
                "comparison_error_percent",
                "p99_seconds",
                "comparison_p90_seconds",
                "minimum_requests",
                "comparison_requests",
            ),
        ),
        (
            DatabaseThresholds,
            ("connections_percent", "cpu_percent", "freeable_memory_mib", "free_storage_gib", "replica_lag_seconds"),
        ),
    ],
)
def test_numbers_are_let_through_and_other_types_are_not(settings: Callable[..., Any], names: tuple[str, ...]) -> None:
    number = later()
    for name in names:
        assert getattr(settings(**{name: number}), name) == number
        for wrong in ("60", True, float("nan"), float("inf")):
            with pytest.raises(InvalidArgumentError, match=rf"\({name}=\) cannot be"):
                settings(**{name: wrong})


def test_a_factor_of_comparison_must_be_known() -> None:
    with pytest.raises(InvalidArgumentError, match=r"comparison_factor=.*known only when the stack deploys"):
        ReleaseThresholds(comparison_factor=later())


@pytest.mark.parametrize("plan", [TrafficShift.canary, TrafficShift.linear])
def test_a_traffic_shift_must_be_known(plan: Callable[..., TrafficShift]) -> None:
    known, minute = later(), Duration.minutes(1)
    with pytest.raises(InvalidArgumentError, match=r"percent=.*known only when the stack deploys.*deadline"):
        plan(percent=known, interval=minute)
    with pytest.raises(InvalidArgumentError, match=r"interval=.*known only when the stack deploys.*deadline"):
        plan(percent=10, interval=Duration.minutes(known))
    with pytest.raises(InvalidArgumentError, match=r"interval=.* 3: give a Duration"):
        plan(percent=10, interval=3)


def test_the_time_of_a_smoke_test_must_be_known() -> None:
    steps = [{"name": "health", "path": "/health"}]
    with pytest.raises(InvalidArgumentError, match=r"SmokeTest\(timeout=\).*known only.*the synthesis checks"):
        SmokeTest(steps=steps, timeout=Duration.minutes(later()))
    with pytest.raises(InvalidArgumentError, match=r"SmokeTest\(timeout=\) cannot be 5: give a Duration"):
        SmokeTest(steps=steps, timeout=5)  # type: ignore[arg-type]


def test_a_number_that_does_not_hold_is_refused() -> None:
    check_number("X(y=)", 2, lambda number: number > 1, "give more than 1")
    with pytest.raises(InvalidArgumentError, match=r"X\(y=\) cannot be 1: give more than 1$"):
        check_number("X(y=)", 1, lambda number: number > 1, "give more than 1")


def test_a_time_is_converted_or_given_in_its_unit() -> None:
    assert known_time("X(y=)", Duration.seconds(90), "minutes") == 1.5
    assert known_time("X(y=)", Duration.minutes(later()), "minutes") is None
    with pytest.raises(InvalidArgumentError, match=r"give it as Duration\.minutes"):
        known_time("X(y=)", Duration.seconds(later()), "minutes")
    assert synthesis_time("X(y=)", Duration.minutes(2), "seconds", "why") == 120
