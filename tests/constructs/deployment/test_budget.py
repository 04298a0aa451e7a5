"""The time that a deployment may take."""

from typing import Any

import pytest
from aws_cdk import Duration, Token

from seachange import InvalidArgumentError, TrafficShift
from seachange.deployment.budget import check_time

MINUTES = Duration.minutes
FIRST_DAY: dict[str, Any] = {
    "traffic_shift": TrafficShift.linear(percent=10, interval=MINUTES(3)),
    "bake_time": MINUTES(30),
    "hooks": {},
    "approval_wait": None,
    "complete_when": "shifted",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hooks": {"AfterAllowTestTraffic": MINUTES(8)}},
        {"bake_time": MINUTES(2880)},
        {
            "traffic_shift": TrafficShift.canary(percent=10, interval=MINUTES(5)),
            "bake_time": MINUTES(30),
            "complete_when": "ended",
        },
        {"approval_wait": Duration.hours(48), "complete_when": "started"},
        {"hooks": {"BeforeAllowTraffic": MINUTES(60)}, "complete_when": "started"},
    ],
)
def test_takes_what_fits(changes: dict[str, Any]) -> None:
    check_time(**{**FIRST_DAY, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"traffic_shift": TrafficShift.linear(percent=10, interval=MINUTES(4))},
            r"traffic_shift=.*'46 min'.*45 min at most.*10 min for green's start \+ 36 min for the traffic shift",
        ),
        (
            {"hooks": {"AfterAllowTestTraffic": MINUTES(5), "BeforeInstall": MINUTES(4)}},
            "'46 min'.*5 min for the hook at AfterAllowTestTraffic.*4 min for the hook at BeforeInstall",
        ),
        ({"approval_wait": MINUTES(9)}, "'46 min'.*9 min for the approval.*complete_when=.started"),
        ({"complete_when": "ended"}, "'67 min'.*30 min for the bake"),
        ({"bake_time": MINUTES(2881)}, "bake_time=.*'2881 min'.*0 to 2880"),
        ({"bake_time": Duration.seconds(90)}, "bake_time=.*'1.5 min'.*whole minutes"),
        ({"approval_wait": Duration.seconds(90), "complete_when": "started"}, "approval_wait=.*whole minutes"),
        (
            {"hooks": {"BeforeInstall": MINUTES(61)}, "complete_when": "started"},
            "BeforeInstall.*'61 min'.*60 min at most",
        ),
        ({"approval_wait": Duration.hours(120), "complete_when": "started"}, "'7237 min'.*7200 min at most.*120 hours"),
        ({"complete_when": "soon"}, "complete_when=.*shifted, ended, started"),
    ],
)
def test_refuses_what_does_not_with_the_numbers(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        check_time(**{**FIRST_DAY, **changes})


def test_what_is_known_only_at_deployment_is_let_through() -> None:
    token = MINUTES(Token.as_number({"Ref": "Minutes"}))
    check_time(**{**FIRST_DAY, "bake_time": token, "approval_wait": token, "hooks": {"BeforeInstall": token}})
