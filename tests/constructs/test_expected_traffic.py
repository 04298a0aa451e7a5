"""`ExpectedTraffic`: what it refuses, and of which alarms the synthesis then warns."""

import re
import sys
import time
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from seachange import (
    BlueGreenLoadBalancer,
    DirectedAlarm,
    ExpectedTraffic,
    InvalidArgumentError,
    ReleaseThresholds,
    TrafficShift,
)
from stacks import settings
from stacks.data import DataStack
from stacks.service import CustomersStack
from tests.constructs.apps import new_service, new_stack, their_vpc


def warnings(stack: cdk.Stack) -> dict[str, str]:
    """Path and id → text of the warnings about alarms."""
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    said = [(entry.id, str(entry.entry.data)) for entry in found]
    pattern = re.compile(r"(.*) \[ack: @seachange/alarms:(\w+)\]", re.DOTALL)
    return {
        f"{path.rpartition('/')[2]} {match[2]}": match[1] for path, text in said if (match := pattern.fullmatch(text))
    }


def count_of_errors(scope: cdk.Stack, name: str, group: elbv2.ApplicationTargetGroup) -> cloudwatch.Alarm:
    """More than 10 errors in each of two minutes: right at one traffic only."""
    metric = group.metrics.http_code_target(
        elbv2.HttpCodeTarget.TARGET_5XX_COUNT, statistic="Sum", period=cdk.Duration.minutes(1)
    )
    return cloudwatch.Alarm(
        scope,
        name,
        metric=metric,
        threshold=10,
        evaluation_periods=2,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def counted(stack: cdk.Stack, traffic: ExpectedTraffic | None, **changes: Any) -> cdk.Stack:
    """A service that is watched by a count of errors besides its own alarms."""
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    blue, green = (count_of_errors(stack, f"{group.node.id}Count", group) for group in (balancer.blue, balancer.green))
    pair = DirectedAlarm(blue=blue, green=green)
    new_service(stack, load_balancer=balancer, directed_alarms=[pair], expected_traffic=traffic, **changes)
    return stack


def test_a_quiet_service_makes_a_count_blind() -> None:
    said = warnings(counted(new_stack(), ExpectedTraffic(requests_per_second=2)))
    text = said["GreenCount blind"]
    shown = re.search(r"takes back only ([\d.]+) of 100 .* releases that answer 5 % of their requests with 5xx", text)
    assert shown is not None
    assert float(shown[1]) < 15  # .05 in docs/facts/cloudwatch.md, with other delays
    assert "watch their share of the requests, as ReleaseThresholds(error_percent=) does" in text
    assert "Its threshold is 10 a minute, and such a release makes 6 at most." in text


def test_a_busy_service_makes_a_count_trigger_happy() -> None:
    said = warnings(counted(new_stack(), ExpectedTraffic(requests_per_second=200, error_percent=0.1)))
    assert set(said) == {"GreenCount triggerHappy"}
    text = said["GreenCount triggerHappy"]
    shown = re.search(r"takes back ([\d.]+) of 100 .* good releases", text)
    assert shown is not None
    assert float(shown[1]) > 99
    assert "Its threshold is 10 a minute, and 12 come with 0.1 % errors anyway." in text


def test_a_comparison_that_never_has_enough_requests_is_blind() -> None:
    stack = new_stack()
    new_service(stack, expected_traffic=ExpectedTraffic(requests_per_second=5))
    said = warnings(stack)
    assert set(said) == {"GreenErrorsAgainstBlue blind"}
    remedy = (
        "It wants 200 requests a minute where there are 150 at most: lower ReleaseThresholds(comparison_requests=)."
    )
    assert said["GreenErrorsAgainstBlue blind"].endswith(remedy)
    other = new_stack()
    new_service(
        other,
        expected_traffic=ExpectedTraffic(requests_per_second=5),
        thresholds=ReleaseThresholds(comparison_requests=100),
    )
    assert warnings(other) == {}


def test_the_traffic_plan_and_the_bake_count() -> None:
    stack = new_stack()
    new_service(
        stack,
        expected_traffic=ExpectedTraffic(requests_per_second=200),
        traffic_shift=TrafficShift.all_at_once(),
        bake_time=cdk.Duration.minutes(0),
    )
    # Nothing can be seen before the release is over, and blue and green never serve together.
    assert {"Green5xxRate blind", "GreenErrorsAgainstBlue blind", "LoadBalancer5xx blind"} == set(warnings(stack))


def test_response_times_are_looked_at_where_they_are_known() -> None:
    stack = new_stack()
    traffic = ExpectedTraffic(requests_per_second=50, p50_seconds=0.2, p99_seconds=1.2)
    new_service(stack, expected_traffic=traffic)
    assert set(warnings(stack)) == {"GreenP99 triggerHappy"}
    assert "Raise ReleaseThresholds(p99_seconds=)" in warnings(stack)["GreenP99 triggerHappy"]


def test_a_warning_can_be_acknowledged() -> None:
    stack = counted(new_stack(), ExpectedTraffic(requests_per_second=200, error_percent=0.1))
    cdk.Annotations.of(stack).acknowledge_warning("@seachange/alarms:triggerHappy", "both are watched")
    assert warnings(stack) == {}


def test_an_alarm_is_looked_at_as_the_app_leaves_it() -> None:
    stack = counted(new_stack(), ExpectedTraffic(requests_per_second=200, error_percent=0.1))
    made = stack.node.find_child("GreenCount").node.default_child
    assert isinstance(made, cloudwatch.CfnAlarm)
    made.threshold = 40
    assert warnings(stack) == {}


def test_what_is_known_only_on_aws_is_passed_over() -> None:
    stack = new_stack()
    number = cdk.CfnParameter(stack, "Percent", type="Number").value_as_number
    later = cdk.Duration.minutes(cdk.CfnParameter(stack, "Bake", type="Number").value_as_number)
    new_service(
        stack,
        expected_traffic=ExpectedTraffic(requests_per_second=50, error_percent=3),
        thresholds=ReleaseThresholds(error_percent=number, comparison_error_percent=number),
        bake_time=later,
        common_alarms=[cloudwatch.Alarm.from_alarm_name(stack, "Theirs", "theirs")],
    )
    assert warnings(stack) == {}


def test_without_numpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("seachange.simulation")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numpy", None)
    said = warnings(counted(new_stack(), ExpectedTraffic(requests_per_second=2)))
    assert set(said) == {"Orders notSimulated"}
    assert "numpy is missing: install it, or seachange with its extra `rehearsal`" in said["Orders notSimulated"]


def test_the_template_stays_what_it_is_and_the_synthesis_quick() -> None:
    """The traffic leaves no resource behind: a frozen service stays frozen."""
    synthesized, times = [], []
    traffic = ExpectedTraffic(requests_per_second=200, error_percent=0.1, p50_seconds=0.1, p99_seconds=0.5)
    for expected in (None, traffic):
        stack = counted(new_stack(), expected)
        before = time.process_time()
        synthesized.append(assertions.Template.from_stack(stack).to_json())
        times.append(time.process_time() - before)
        assert bool(warnings(stack)) == (expected is not None)
    assert synthesized[0] == synthesized[1]
    assert times[1] - times[0] < 2  # about a second, on a machine that does other things too


@pytest.mark.parametrize("environment", settings.ENVIRONMENTS)
def test_the_examples_alarms_suit_its_traffic(environment: str) -> None:
    app = cdk.App(context={"aws:cdk:bundling-stacks": []}, analytics_reporting=False)
    where = settings.environment(environment)
    data = DataStack(app, where.data_stack, environment=where)
    service = CustomersStack(app, where.service_stack, environment=where, release=settings.release("v2"))
    service.add_stack_dependency(data)
    assert where.traffic.p99_seconds is not None
    assert warnings(service) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"requests_per_second": 0}, "requests_per_second=.*more than 0 in some hour"),
        ({"requests_per_second": [1, 2]}, "'2 numbers': give one, or one for each of the day's 24 hours"),
        ({"requests_per_second": [-1.0] * 24}, "requests_per_second=.*0 or more"),
        ({"requests_per_second": float("nan")}, "requests_per_second="),
        ({"requests_per_second": True}, "requests_per_second=.*as a number"),
        ({"error_percent": 100}, "error_percent="),
        ({"error_percent": "1"}, "error_percent=.*as a number"),
        ({"bad_error_percent": 0}, "bad_error_percent="),
        ({"bad_error_percent": 101}, "bad_error_percent="),
        ({"bad_delay_seconds": 0}, "bad_delay_seconds="),
        ({"p50_seconds": 0.1}, "give both, or neither"),
        ({"p50_seconds": 0, "p99_seconds": 1}, "p50_seconds=.*more than 0"),
        ({"p50_seconds": 2, "p99_seconds": 1}, "p99_seconds=.*no less than p50_seconds"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        ExpectedTraffic(**{"requests_per_second": 1, **arguments})


def test_refuses_what_is_known_only_on_aws() -> None:
    number = cdk.CfnParameter(new_stack(), "Rate", type="Number").value_as_number
    with pytest.raises(InvalidArgumentError, match="give a number that the program knows"):
        ExpectedTraffic(requests_per_second=number)


def test_one_rate_for_each_hour() -> None:
    profile = ExpectedTraffic(
        requests_per_second=range(24), error_percent=1, p50_seconds=0.1, p99_seconds=0.1
    ).profile()
    assert profile.requests_per_s == tuple(float(hour) for hour in range(24))
    assert (profile.error_rate, profile.latency_median_s, profile.latency_sigma) == (0.01, 0.1, 0)
