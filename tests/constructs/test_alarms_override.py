"""`AlarmOverride`: what one release may ignore."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from seachange import InvalidArgumentError
from seachange.alarms import AlarmOverride


def override(**changes: Any) -> AlarmOverride:
    arguments: dict[str, Any] = {"release": "v2", "alarms": ["orders-db-cpu"], "because": "v2 is the fix"}
    return AlarmOverride(**arguments | changes)


def test_it_holds_for_its_release_alone() -> None:
    assert override().names("v2") == ["orders-db-cpu"]
    assert override().names("v3") == []


def test_it_takes_names_and_alarms() -> None:
    stack = cdk.Stack()
    alarm = cloudwatch.Alarm.from_alarm_name(stack, "Theirs", "orders-canary")
    assert override(alarms=["orders-db-cpu", alarm]).names("v2") == ["orders-db-cpu", "orders-canary"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"release": " "},
        {"alarms": []},
        {"alarms": "orders-db-cpu"},
        {"alarms": ["a", ""]},
        {"alarms": (name for name in ["a"])},
        {"because": "  "},
    ],
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        override(**arguments)
