"""`ReleaseAlarms` and `ReleaseThresholds`."""

import json
from typing import Any, cast

import pytest
from aws_cdk.aws_cloudwatch import CfnAlarm

from seachange import BlueGreenLoadBalancer, InvalidArgumentError, ReleaseAlarms, ReleaseThresholds
from tests.constructs.apps import new_stack, resources, their_vpc

Alarms = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def alarms() -> Alarms:
    """The alarms' properties by construct id, and the names of the target groups in `_blue` and `_green`."""
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    thresholds = ReleaseThresholds(error_percent=3, p99_seconds=0.5, minimum_requests=20)
    made = ReleaseAlarms(stack, "Alarms", blue=balancer.blue, green=balancer.green, thresholds=thresholds)
    assert (len(made.blue), len(made.green), made.common) == (3, 3, [])
    names = {
        child.node.id: stack.get_logical_id(cast("CfnAlarm", child.node.default_child)) for child in made.node.children
    }
    found = resources(stack)
    return {
        **{name: found[logical_id]["Properties"] for name, logical_id in names.items()},
        "_blue": stack.resolve(balancer.blue.target_group_full_name),
        "_green": stack.resolve(balancer.green.target_group_full_name),
    }


def queries(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {query["Id"]: query for query in alarm["Metrics"]}


def test_three_alarms_on_each_group(alarms: Alarms) -> None:
    assert {name for name in alarms if not name.startswith("_")} == {
        f"{colour}{what}" for colour in ("Blue", "Green") for what in ("5xxRate", "P99", "Unhealthy")
    }
    for name, alarm in alarms.items():
        if name.startswith("_"):
            continue
        own, other = (
            (alarms["_blue"], alarms["_green"]) if name.startswith("Blue") else (alarms["_green"], alarms["_blue"])
        )
        text = json.dumps(alarm)
        assert json.dumps(own) in text
        assert json.dumps(other) not in text
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize("colour", ["Blue", "Green"])
def test_errors_are_a_rate_over_a_minimum_of_requests(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}5xxRate"]
    by_id = queries(alarm)
    assert by_id["expr_1"]["Expression"] == "IF(requests >= 20, 100 * FILL(errors, 0) / requests, 0)"
    assert by_id["requests"]["MetricStat"]["Metric"]["MetricName"] == "RequestCount"
    assert by_id["errors"]["MetricStat"]["Metric"]["MetricName"] == "HTTPCode_Target_5XX_Count"
    assert {by_id[name]["MetricStat"]["Period"] for name in ("requests", "errors")} == {60}
    assert {by_id[name]["MetricStat"]["Stat"] for name in ("requests", "errors")} == {"Sum"}
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (3, 2, 3)


@pytest.mark.parametrize("colour", ["Blue", "Green"])
def test_p99_has_the_same_minimum(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}P99"]
    by_id = queries(alarm)
    assert by_id["expr_1"]["Expression"] == "IF(requests >= 20, p99, 0)"
    assert by_id["p99"]["MetricStat"]["Metric"]["MetricName"] == "TargetResponseTime"
    assert by_id["p99"]["MetricStat"]["Stat"] == "p99"
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (0.5, 3, 3)


@pytest.mark.parametrize("colour", ["Blue", "Green"])
def test_one_unhealthy_task_for_three_minutes(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}Unhealthy"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("UnHealthyHostCount", "Maximum")
    assert (alarm["Threshold"], alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (0, 3, 3)


def test_the_defaults() -> None:
    assert ReleaseThresholds() == ReleaseThresholds(error_percent=2, p99_seconds=1, minimum_requests=50)


@pytest.mark.parametrize(
    "arguments", [{"error_percent": 0}, {"error_percent": 100}, {"p99_seconds": 0}, {"minimum_requests": 0}]
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        ReleaseThresholds(**arguments)
