"""Alarms out of the template: what can be evaluated, and what is listed instead."""

from typing import Any

import pytest

from seachange.assembly import Resource
from seachange.evaluation import value
from seachange.plan.alarms import read_alarm, read_alarms

SIMPLE = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "Namespace": "AWS/ApplicationELB",
    "MetricName": "UnHealthyHostCount",
    "Statistic": "Maximum",
    "Period": 60,
    "Dimensions": [{"Name": "TargetGroup", "Value": {"Ref": "G"}}],
}


def math(expression: str, *further: dict[str, Any], period: int = 60) -> dict[str, Any]:
    stat = {
        "Metric": {"Namespace": "AWS/ApplicationELB", "MetricName": "RequestCount"},
        "Stat": "Sum",
        "Period": period,
    }
    metrics = [
        {"Id": "result", "Expression": expression},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
        *further,
    ]
    return {key: SIMPLE[key] for key in ("ComparisonOperator", "EvaluationPeriods", "Threshold")} | {"Metrics": metrics}


def query(name: str, expression: str) -> dict[str, Any]:
    return {"Id": name, "Expression": expression, "ReturnData": False}


class Assembly:
    """One alarm and the group that names it."""

    def __init__(self, resource_type: str, properties: dict[str, Any]) -> None:
        self._alarm = Resource(stack="s", logical_id="Alarm", type=resource_type, properties=properties)

    def target(self, value: object, *, of: Resource) -> Resource | None:  # noqa: ARG002 (as the real one)
        return self._alarm if value == {"Ref": "Alarm"} else None


def read(
    properties: dict[str, Any], *, name: object = None, resource_type: str = "AWS::CloudWatch::Alarm"
) -> tuple[list[str], list[str]]:
    deployment = Resource(
        stack="s",
        logical_id="Deployment",
        type="Custom::SeaChangeDeployment",
        properties={"GreenAlarms": [name or {"Ref": "Alarm"}]},
    )
    alarms = read_alarms(Assembly(resource_type, properties), deployment)  # type: ignore[arg-type]
    return [alarm.expression for alarm in alarms.single], list(alarms.unread)


class Everywhere(Assembly):
    """The same alarm under every name."""

    def target(self, value: object, *, of: Resource) -> Resource | None:  # noqa: ARG002 (as the real one)
        assert isinstance(value, dict)
        return Resource(stack="s", logical_id=value["Ref"], type=self._alarm.type, properties=self._alarm.properties)


def test_the_deployment_names_them_one_by_one_and_none_twice() -> None:
    named = {
        "BlueAlarms": [{"Ref": "B"}, {"Ref": "Shared"}],
        "GreenAlarms": [{"Ref": "G"}, {"Ref": "Shared"}],
        "CommonAlarms": [{"Ref": "C"}],
        "CommonComposite": {"Ref": "Composite"},
    }
    deployment = Resource(stack="s", logical_id="D", type="Custom::SeaChangeDeployment", properties=named)
    alarms = read_alarms(Everywhere("AWS::CloudWatch::Alarm", SIMPLE), deployment)  # type: ignore[arg-type]
    assert [alarm.name for alarm in alarms.single] == ["B", "Shared", "G", "C"]
    assert alarms.unread == ()


def test_what_an_alarm_does_with_low_samples() -> None:
    def low(**more: str) -> bool:
        alarm = read_alarm(Resource(stack="s", logical_id="A", type="AWS::CloudWatch::Alarm", properties=SIMPLE | more))
        return alarm.ignores_low_samples

    assert low(EvaluateLowSampleCountPercentile="ignore")
    assert not low(EvaluateLowSampleCountPercentile="evaluate")
    assert not low()


@pytest.mark.parametrize("expression", ["m", "IF(m > 1 AND m < 5, 1, 0)", "IF(m > 1 || m < 5, m, 0)", "FILL(m, 0) * 2"])
def test_what_can_be_evaluated_is(expression: str) -> None:
    assert read(math(expression)) == ([expression], [])


@pytest.mark.parametrize(
    ("expression", "further", "expected"),
    [
        ("half + m", [query("half", "m / 2")], {8.0: 12.0, None: None}),
        (
            "IF(many, rate, 0)",
            [query("many", "FILL(m, 0) > 3"), query("rate", "100 / m")],
            {8.0: 12.5, 2.0: 0.0, None: 0.0},
        ),
        # A step draws no point without a point of its metrics; what follows can tell.
        ("FILL(double, 7)", [query("double", "m * 2")], {8.0: 16.0, None: 7.0}),
        ("last", [query("last", "middle + 1"), query("middle", "first + 1"), query("first", "m + 1")], {1.0: 4.0}),
    ],
)
def test_an_expression_over_expressions(
    expression: str, further: list[dict[str, Any]], expected: dict[float | None, float | None]
) -> None:
    properties = math(expression, *further)
    alarm = read_alarm(Resource(stack="s", logical_id="A", type="AWS::CloudWatch::Alarm", properties=properties))
    assert {point: value(alarm.expression, {"m": point}) for point in expected} == expected


def test_a_plain_metric_too() -> None:
    assert read(SIMPLE) == (["m"], [])


@pytest.mark.parametrize(
    ("properties", "name", "resource_type", "reason"),
    [
        (SIMPLE, "imported-alarm", "AWS::CloudWatch::Alarm", '"imported-alarm": it is not in the service\'s template'),
        ({}, None, "AWS::CloudWatch::InsightRule", "Alarm: AWS::CloudWatch::InsightRule is not evaluated here"),
        (
            {**SIMPLE, "ComparisonOperator": "GreaterThanUpperThreshold"},
            None,
            "AWS::CloudWatch::Alarm",
            "anomaly detection",
        ),
        (
            {**SIMPLE, "Threshold": {"Ref": "P"}},
            None,
            "AWS::CloudWatch::Alarm",
            'its Threshold is known only on AWS: {"Ref"',
        ),
        ({**SIMPLE, "Period": {"Ref": "P"}}, None, "AWS::CloudWatch::Alarm", "its Period is known only on AWS"),
        (
            {**math("m"), "Metrics": [{"Id": "result", "Expression": {"Fn::Join": ["", ["m / ", {"Ref": "P"}]]}}]},
            None,
            "AWS::CloudWatch::Alarm",
            "its expression is known only on AWS",
        ),
        (
            {**{key: SIMPLE[key] for key in SIMPLE if key != "Statistic"}, "ExtendedStatistic": "tm99"},
            None,
            "AWS::CloudWatch::Alarm",
            "its statistic tm99 is not evaluated here",
        ),
        (math("RATE(m)"), None, "AWS::CloudWatch::Alarm", "metric math beyond"),
        (math("m +"), None, "AWS::CloudWatch::Alarm", "metric math cannot be read"),
        (math("other + m"), None, "AWS::CloudWatch::Alarm", "over other, which the alarm does not define"),
        (
            math("a", query("a", "b"), query("b", "a + m")),
            None,
            "AWS::CloudWatch::Alarm",
            "in a circle: a needs b needs a",
        ),
        (
            math(
                "m + n",
                {
                    "Id": "n",
                    "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M"}, "Stat": "Sum", "Period": 300},
                },
            ),
            None,
            "AWS::CloudWatch::Alarm",
            "several periods",
        ),
    ],
)
def test_what_cannot_is_listed_with_its_reason(
    properties: dict[str, Any], name: object, resource_type: str, reason: str
) -> None:
    alarms, (unread,) = read(properties, name=name, resource_type=resource_type)
    assert alarms == []
    assert reason in unread
