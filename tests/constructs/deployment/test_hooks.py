"""Hooks of the user's own: their events, their time, their permission to answer."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from seachange import InvalidArgumentError, TrafficShift
from seachange.deployment.budget import check_time
from seachange.deployment.hooks import LIFECYCLE_EVENTS, SMOKE_EVENT, Hook, allow_answer, checked_hooks
from seachange.deployment.smoke import SmokeTest
from tests.constructs.apps import new_stack, template

GROUP = "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:orders/orders"


def function_in(stack: cdk.Stack) -> lambda_.Function:
    return lambda_.Function(
        stack,
        "Theirs",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): pass"),
    )


def test_every_event_of_codedeploy_takes_a_hook_and_they_are_put_in_order() -> None:
    hook = Hook(function=function_in(new_stack()))
    assert list(checked_hooks(dict.fromkeys(reversed(LIFECYCLE_EVENTS), hook), smoke_test=False)) == [
        "BeforeInstall",
        "AfterInstall",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AfterAllowTraffic",
    ]


def test_the_defaults_of_smoke_test_hook_and_shift_fit_together() -> None:
    hook = Hook(function=function_in(new_stack()))
    assert hook.timeout.to_minutes() == 3
    times: dict[str, Any] = {
        "traffic_shift": TrafficShift.linear(percent=10, interval=cdk.Duration.minutes(3)),
        "bake_time": cdk.Duration.minutes(30),
        "hooks": {
            SMOKE_EVENT: SmokeTest(steps=[{"name": "health", "path": "/health"}]).timeout,
            "BeforeAllowTraffic": hook.timeout,
        },
        "complete_when": "shifted",
    }
    check_time(approval_wait=None, **times)
    with pytest.raises(InvalidArgumentError, match=r"'46 min'.*45 min at most"):
        check_time(approval_wait=cdk.Duration.minutes(1), **times)


def test_functions_of_every_kind_are_hooks() -> None:
    stack = new_stack()
    function = function_in(stack)
    imported = lambda_.Function.from_function_arn(
        stack, "Imported", "arn:aws:lambda:eu-west-1:123456789012:function:gate"
    )
    for one in (
        function,
        function.current_version,
        lambda_.Alias(stack, "Live", alias_name="live", version=function.current_version),
        imported,
    ):
        assert Hook(function=one).function is one


@pytest.mark.parametrize("function", ["arn:aws:lambda:eu-west-1:123456789012:function:gate", None, lambda: None])
def test_what_is_no_function_is_refused(function: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"Hook\(function=\) cannot be .*: give a Lambda function"):
        Hook(function=function)


def test_a_time_without_a_unit_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"Hook\(timeout=\) cannot be 5: give a Duration"):
        Hook(function=function_in(new_stack()), timeout=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("AfterAlowTraffic", "did you mean AfterAllowTraffic?"),
        ("Install", "CodeDeploy has hooks at BeforeInstall, AfterInstall, AfterAllowTestTraffic"),
        ("POST_SCALE_UP", "CodeDeploy has hooks at BeforeInstall"),
    ],
)
def test_other_events_are_refused(event: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refusal:
        checked_hooks({event: Hook(function=function_in(new_stack()))}, smoke_test=False)
    assert f"BlueGreenService(hooks=) cannot be '{event}'" in str(refusal.value)
    assert message in str(refusal.value)


def test_the_smoke_tests_event_is_taken() -> None:
    hooks = {"AfterAllowTestTraffic": Hook(function=function_in(new_stack()))}
    with pytest.raises(InvalidArgumentError, match=r"the smoke test has this event.*use BeforeAllowTraffic"):
        checked_hooks(hooks, smoke_test=True)
    assert checked_hooks(hooks, smoke_test=False) == hooks


@pytest.mark.parametrize("minutes", [0, 61])
def test_times_that_codedeploy_does_not_wait_for_are_refused(minutes: int) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"Hook\(timeout=\) cannot be '{minutes} min': .* 60 min at most"):
        Hook(function=function_in(new_stack()), timeout=cdk.Duration.minutes(minutes))


def test_a_hook_may_answer_about_its_own_group() -> None:
    stack = new_stack()
    allow_answer(function_in(stack), GROUP)
    [policy] = template(stack).find_resources("AWS::IAM::Policy").values()
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {"Action": "codedeploy:PutLifecycleEventHookExecutionStatus", "Effect": "Allow", "Resource": GROUP}
    ]
