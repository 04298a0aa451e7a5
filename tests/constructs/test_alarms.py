"""`ReleaseAlarms` and `ReleaseThresholds`: which alarms there are, on which metrics, and what CodeDeploy is given of them."""

import json
from typing import Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.aws_cloudwatch import CfnAlarm

from seachange import BlueGreenLoadBalancer, InvalidArgumentError, ReleaseAlarms, ReleaseThresholds
from seachange.alarms import DirectedAlarm
from seachange.evaluation import value
from tests.constructs.apps import new_service, new_stack, resources, their_vpc

Alarms = dict[str, dict[str, Any]]

ALONE = ("5xxRate", "ConnectionErrors", "P99", "Unhealthy")
COMPARED = {"Blue": ("ErrorsAgainstGreen", "LatencyAgainstGreen"), "Green": ("ErrorsAgainstBlue", "LatencyAgainstBlue")}
COLOURS = ("Blue", "Green")


@pytest.fixture(scope="module")
def alarms() -> Alarms:
    """The alarms' properties by construct id, and the names of the target groups in `_blue` and `_green`."""
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    thresholds = ReleaseThresholds(
        error_percent=3,
        connection_error_percent=4,
        balancer_error_percent=5,
        p99_seconds=0.5,
        minimum_requests=20,
        comparison_factor=1.5,
        comparison_error_percent=0.5,
        comparison_p90_seconds=0.25,
        comparison_requests=300,
    )
    made = ReleaseAlarms(
        stack,
        "Alarms",
        blue=balancer.blue,
        green=balancer.green,
        thresholds=thresholds,
        load_balancer=balancer.load_balancer,
    )
    assert (len(made.blue), len(made.green), len(made.common)) == (6, 6, 1)
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


def expression(alarm: dict[str, Any]) -> str:
    return str(queries(alarm)["expr_1"]["Expression"])


def group_of(query: dict[str, Any]) -> Any:
    dimensions = {item["Name"]: item["Value"] for item in query["MetricStat"]["Metric"]["Dimensions"]}
    assert "LoadBalancer" in dimensions
    return dimensions.get("TargetGroup")


def m_of_n(alarm: dict[str, Any]) -> tuple[int, int]:
    return alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]


def test_six_alarms_on_each_group(alarms: Alarms) -> None:
    directed = {f"{colour}{what}" for colour in COLOURS for what in (*ALONE, *COMPARED[colour])}
    composites = {"BlueRelease", "GreenRelease"}
    assert {name for name in alarms if not name.startswith("_")} == directed | composites | {"LoadBalancer5xx"}
    for name in directed | {"LoadBalancer5xx"}:
        assert alarms[name]["TreatMissingData"] == "notBreaching"
        assert alarms[name]["ComparisonOperator"] == "GreaterThanThreshold"
        assert {
            query["MetricStat"]["Period"] for query in alarms[name].get("Metrics", []) if "MetricStat" in query
        } <= {60}


@pytest.mark.parametrize("colour", COLOURS)
def test_four_of_them_look_at_their_own_group_alone(alarms: Alarms, colour: str) -> None:
    own, other = (alarms["_blue"], alarms["_green"]) if colour == "Blue" else (alarms["_green"], alarms["_blue"])
    for what in ALONE:
        text = json.dumps(alarms[f"{colour}{what}"])
        assert json.dumps(own) in text
        assert json.dumps(other) not in text


@pytest.mark.parametrize("colour", COLOURS)
def test_errors_are_a_rate_over_a_minimum_of_requests(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}5xxRate"]
    by_id = queries(alarm)
    assert expression(alarm) == "IF(requests >= 20, 100 * FILL(errors, 0) / requests, 0)"
    assert by_id["requests"]["MetricStat"]["Metric"]["MetricName"] == "RequestCount"
    assert by_id["errors"]["MetricStat"]["Metric"]["MetricName"] == "HTTPCode_Target_5XX_Count"
    assert {by_id[name]["MetricStat"]["Stat"] for name in ("requests", "errors")} == {"Sum"}
    assert (alarm["Threshold"], *m_of_n(alarm)) == (3, 2, 3)


@pytest.mark.parametrize("colour", COLOURS)
def test_failed_connections_are_a_rate_that_needs_no_request_to_succeed(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}ConnectionErrors"]
    tried = "FILL(requests, 0) + FILL(errors, 0)"
    assert expression(alarm) == f"IF({tried} >= 20, 100 * FILL(errors, 0) / ({tried}), 0)"
    assert queries(alarm)["errors"]["MetricStat"]["Metric"]["MetricName"] == "TargetConnectionErrorCount"
    assert queries(alarm)["errors"]["MetricStat"]["Stat"] == "Sum"
    assert (alarm["Threshold"], *m_of_n(alarm)) == (4, 2, 3)


@pytest.mark.parametrize("colour", COLOURS)
def test_p99_has_the_same_minimum(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}P99"]
    assert expression(alarm) == "IF(requests >= 20, p99, 0)"
    assert queries(alarm)["p99"]["MetricStat"]["Metric"]["MetricName"] == "TargetResponseTime"
    assert queries(alarm)["p99"]["MetricStat"]["Stat"] == "p99"
    assert (alarm["Threshold"], *m_of_n(alarm)) == (0.5, 3, 3)


@pytest.mark.parametrize("colour", COLOURS)
def test_one_unhealthy_task_for_three_minutes(alarms: Alarms, colour: str) -> None:
    alarm = alarms[f"{colour}Unhealthy"]
    assert (alarm["MetricName"], alarm["Statistic"], alarm["Period"]) == ("UnHealthyHostCount", "Maximum", 60)
    assert (alarm["Threshold"], *m_of_n(alarm)) == (0, 3, 3)


@pytest.mark.parametrize("colour", COLOURS)
def test_comparisons_are_directed_and_need_requests_on_both_sides(alarms: Alarms, colour: str) -> None:
    own, other = (alarms["_blue"], alarms["_green"]) if colour == "Blue" else (alarms["_green"], alarms["_blue"])
    errors, latency = (alarms[f"{colour}{what}"] for what in COMPARED[colour])
    enough = "requests >= 300 AND other_requests >= 300"
    difference = "100 * FILL(errors, 0) / requests - 150 * FILL(other_errors, 0) / other_requests"
    assert expression(errors) == f"IF({enough}, {difference}, 0)"
    assert expression(latency) == f"IF({enough} AND other_p90 > 0, p90 - 1.5 * other_p90, 0)"
    assert (errors["Threshold"], *m_of_n(errors)) == (0.5, 2, 3)
    assert (latency["Threshold"], *m_of_n(latency)) == (0.25, 3, 4)
    for alarm in (errors, latency):
        sides = {name: group_of(query) for name, query in queries(alarm).items() if "MetricStat" in query}
        assert len(sides) == 4
        for name, group in sides.items():
            assert group == (other if name.startswith("other_") else own)
    assert {queries(latency)[name]["MetricStat"]["Stat"] for name in ("p90", "other_p90")} == {"p90"}


def test_an_alarm_whose_condition_is_filled_spares_the_newest_minute(alarms: Alarms) -> None:
    # FILL in the condition gives the newest minute a 0 before its data has arrived.
    filled = {
        name
        for name, alarm in alarms.items()
        if "Metrics" in alarm and value(expression(alarm), dict.fromkeys(queries(alarm))) is not None
    }
    assert filled == {"BlueConnectionErrors", "GreenConnectionErrors", "LoadBalancer5xx"}
    for name in filled:
        datapoints, periods = m_of_n(alarms[name])
        assert datapoints < periods, name


def test_the_balancers_own_errors_belong_to_no_group(alarms: Alarms) -> None:
    alarm = alarms["LoadBalancer5xx"]
    errors = "FILL(e502, 0) + FILL(e503, 0) + FILL(e504, 0)"
    total = f"FILL(requests, 0) + {errors}"
    assert expression(alarm) == f"IF({total} >= 20, 100 * ({errors}) / ({total}), 0)"
    assert (alarm["Threshold"], *m_of_n(alarm)) == (5, 2, 3)
    measured = {name: query for name, query in queries(alarm).items() if "MetricStat" in query}
    assert {name: query["MetricStat"]["Metric"]["MetricName"] for name, query in measured.items()} == {
        "requests": "RequestCount",
        **{f"e{code}": f"HTTPCode_ELB_{code}_Count" for code in (502, 503, 504)},
    }
    assert {group_of(query) for query in measured.values()} == {None}


def test_the_defaults() -> None:
    assert ReleaseThresholds() == ReleaseThresholds(
        error_percent=2,
        connection_error_percent=2,
        balancer_error_percent=2,
        error_datapoints=2,
        error_periods=3,
        p99_seconds=1,
        minimum_requests=50,
        comparison_factor=2,
        comparison_error_percent=1,
        comparison_p90_seconds=0.1,
        comparison_requests=200,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {"error_percent": 0},
        {"error_percent": 100},
        {"connection_error_percent": 0},
        {"balancer_error_percent": 101},
        {"comparison_error_percent": -1},
        {"error_datapoints": 0},
        {"error_datapoints": 3},
        {"error_periods": float("nan")},
        {"p99_seconds": 0},
        {"comparison_p90_seconds": 0},
        {"minimum_requests": 0},
        {"comparison_factor": 0.9},
        {"comparison_requests": 99},
    ],
)
def test_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        ReleaseThresholds(**arguments)


def test_all_that_count_errors_have_the_same_minutes() -> None:
    stack = new_stack()
    new_service(stack, thresholds=ReleaseThresholds(error_datapoints=3, error_periods=5))
    found = {name: body for name, body in resources(stack).items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    minutes = {name: m_of_n(body["Properties"]) for name, body in found.items()}
    assert {name for name, times in minutes.items() if times == (3, 5)} == {
        name for name in minutes if "Error" in name or "5xx" in name
    }
    assert len([times for times in minutes.values() if times == (3, 5)]) == 7


def test_what_is_known_only_when_the_stack_deploys_stands_in_the_expressions() -> None:
    stack = new_stack()
    number: Any = cdk.CfnParameter(stack, "Fewest", type="Number").value_as_number
    new_service(stack, thresholds=ReleaseThresholds(minimum_requests=number, comparison_requests=number))
    found = [body["Properties"] for body in resources(stack).values() if body["Type"] == "AWS::CloudWatch::Alarm"]
    expressions = [
        query["Expression"] for alarm in found for query in alarm.get("Metrics", []) if "Expression" in query
    ]
    assert len(expressions) == 11
    assert all({"Ref": "Fewest"} in text["Fn::Join"][1] for text in expressions)


def test_the_least_that_is_taken() -> None:
    ReleaseThresholds(minimum_requests=1, comparison_factor=1, comparison_requests=100)


# --- what CodeDeploy is given: ten at most ---------------------------------------------------------------------------------------


def theirs(stack: cdk.Stack, count: int, name: str = "theirs") -> list[cloudwatch.IAlarm]:
    return [cloudwatch.Alarm.from_alarm_name(stack, f"{name}{n}", f"{name}-{n}") for n in range(count)]


def release_alarms(*, own: int = 0, common: int = 0) -> tuple[cdk.Stack, ReleaseAlarms]:
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    pairs = [
        DirectedAlarm(blue=blue, green=green)
        for blue, green in zip(theirs(stack, own, "of-blue"), theirs(stack, own, "of-green"), strict=True)
    ]
    made = ReleaseAlarms(
        stack, "Alarms", blue=balancer.blue, green=balancer.green, directed=pairs, common=theirs(stack, common)
    )
    return stack, made


@pytest.mark.parametrize(
    ("own", "common", "composed"),
    [(0, 0, False), (0, 4, False), (0, 5, True), (4, 0, False), (3, 1, False), (3, 2, True), (0, 38, True)],
)
def test_codedeploy_never_gets_more_than_ten(own: int, common: int, composed: bool) -> None:
    _, made = release_alarms(own=own, common=common)
    assert (len(made.blue), len(made.green), len(made.common)) == (6 + own, 6 + own, common)
    assert (made.common_composite is not None) == composed
    for direction in (made.blue, made.green):
        given = [*direction, *([made.common_composite] if composed else made.common)]
        assert len(given) <= 10
    assert len(made.for_group) <= 10


@pytest.mark.parametrize("common", [4, 5])
def test_what_the_group_lists_fires_with_each_single_alarm(common: int) -> None:
    stack, made = release_alarms(common=common)
    listed = [stack.resolve(alarm.alarm_name) for alarm in made.for_group]
    found = resources(stack)
    reached = json.dumps([listed, [found[name["Ref"]]["Properties"]["AlarmRule"] for name in listed if "Ref" in name]])
    for alarm in (*made.blue, *made.green, *made.common):
        assert json.dumps(stack.resolve(alarm.alarm_name)) in reached or alarm.alarm_name in reached


def test_a_composite_fires_with_any_of_its_alarms() -> None:
    stack, made = release_alarms(common=5)
    composites = [body for body in resources(stack).values() if body["Type"] == "AWS::CloudWatch::CompositeAlarm"]
    assert len(composites) == 3
    assert made.common_composite is not None
    rule = next(body["Properties"]["AlarmRule"] for body in composites if "theirs-0" in json.dumps(body))
    assert rule == "(" + " OR ".join(f'ALARM("theirs-{n}")' for n in range(5)) + ")"
    # The CDK would name them by their path, which two environments of an app may share.
    assert not [body for body in composites if "AlarmName" in body["Properties"]]


@pytest.mark.parametrize(
    ("own", "common", "message"),
    [
        (5, 0, r"directed=.*'5 pairs'.*4 at most.*10 alarms, and 6 of each direction"),
        (4, 1, r"directed=.*'4 pairs'.*3 at most.*one of them for the common alarms"),
        (0, 39, r"common=.*'39 alarms'.*38 at most.*10,240 characters"),
    ],
)
def test_more_is_refused_with_the_numbers(own: int, common: int, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        release_alarms(own=own, common=common)


def test_the_longest_rule_that_is_taken_fits() -> None:
    rule = "(" + " OR ".join('ALARM("' + 255 * "x" + '")' for _ in range(38)) + ")"
    assert len(rule) <= 10_240
    assert len(rule) + len(' OR ALARM("' + 255 * "x" + '")') > 10_240
