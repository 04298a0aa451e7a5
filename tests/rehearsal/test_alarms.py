"""Alarms out of the template: what can be evaluated, and what is listed instead."""

from typing import Any

import pytest

from seachange.assembly import Resource
from seachange.rehearsal.alarms import read_alarms

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


class Assembly:
    """One alarm and the group that names it."""

    def __init__(self, resource_type: str, properties: dict[str, Any]) -> None:
        self._alarm = Resource(stack="s", logical_id="Alarm", type=resource_type, properties=properties)

    def target(self, value: object, *, of: Resource) -> Resource | None:  # noqa: ARG002 (as the real one)
        return self._alarm if value == {"Ref": "Alarm"} else None


def read(
    properties: dict[str, Any], *, name: object = None, resource_type: str = "AWS::CloudWatch::Alarm"
) -> tuple[list[str], list[str]]:
    configuration = {"AlarmConfiguration": {"Alarms": [{"Name": name or {"Ref": "Alarm"}}]}}
    group = Resource(stack="s", logical_id="Group", type="AWS::CodeDeploy::DeploymentGroup", properties=configuration)
    alarms, unread = read_alarms(Assembly(resource_type, properties), group)  # type: ignore[arg-type]
    return [alarm.expression for alarm in alarms], list(unread)


@pytest.mark.parametrize("expression", ["m", "IF(m > 1 AND m < 5, 1, 0)", "IF(m > 1 || m < 5, m, 0)", "FILL(m, 0) * 2"])
def test_what_can_be_evaluated_is(expression: str) -> None:
    assert read(math(expression)) == ([expression], [])


def test_a_plain_metric_too() -> None:
    assert read(SIMPLE) == (["m"], [])


@pytest.mark.parametrize(
    ("properties", "name", "resource_type", "reason"),
    [
        (SIMPLE, "imported-alarm", "AWS::CloudWatch::Alarm", '"imported-alarm": it is not in the service\'s template'),
        (
            {"AlarmRule": "ALARM(a)"},
            None,
            "AWS::CloudWatch::CompositeAlarm",
            "Alarm: AWS::CloudWatch::CompositeAlarm is not evaluated here",
        ),
        (
            {**SIMPLE, "ComparisonOperator": "GreaterThanUpperThreshold"},
            None,
            "AWS::CloudWatch::Alarm",
            "anomaly detection",
        ),
        (math("RATE(m)"), None, "AWS::CloudWatch::Alarm", "metric math beyond"),
        (math("m +"), None, "AWS::CloudWatch::Alarm", "metric math cannot be read"),
        (math("other + m"), None, "AWS::CloudWatch::Alarm", "expressions of expressions"),
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
