"""Alarms between the template and the rehearsal: read from `AWS::CloudWatch::Alarm`, fed with what the load balancer measured."""

from collections.abc import Mapping
from typing import Any

from seachange.assembly import Resource, canonical
from seachange.evaluation import Alarm, Metric, metric_ids
from seachange.rehearsal.errors import PlanError


def read_alarm(resource: Resource) -> Alarm:
    """The alarm as CloudWatch would evaluate it; PlanError for what we cannot read."""
    properties = resource.properties
    metrics, expression, period = _queries(resource) if "Metrics" in properties else _plain(properties)
    return Alarm(
        name=resource.logical_id,
        metrics=metrics,
        expression=expression,
        period_s=period,
        threshold=float(properties["Threshold"]),
        comparison=properties["ComparisonOperator"],
        evaluation_periods=int(properties["EvaluationPeriods"]),
        datapoints_to_alarm=int(properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])),
        missing_data=properties.get("TreatMissingData", "missing"),
    )


def _plain(properties: Mapping[str, Any]) -> tuple[dict[str, Metric], str, int]:
    statistic = properties.get("Statistic") or properties.get("ExtendedStatistic")
    return {"m": _metric(properties, str(statistic))}, "m", int(properties["Period"])


def _queries(resource: Resource) -> tuple[dict[str, Metric], str, int]:
    metrics: dict[str, Metric] = {}
    expressions: dict[str, str] = {}
    result = ""
    periods: set[int] = set()
    for query in resource.properties["Metrics"]:
        if "Expression" in query:
            expressions[query["Id"]] = query["Expression"]
            periods |= {int(query["Period"])} if "Period" in query else set()
        else:
            metrics[query["Id"]] = _metric(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"])
            periods.add(int(query["MetricStat"]["Period"]))
        if query.get("ReturnData", True):
            result = query["Id"]
    expression = expressions.get(result, result)
    if len(periods) != 1 or not metric_ids(expression) <= metrics.keys():
        raise PlanError(
            f"{resource.label}: an alarm over expressions of expressions, or over several periods, is not rehearsed"
        )
    return metrics, expression, periods.pop()


def _metric(properties: Mapping[str, Any], statistic: str) -> Metric:
    return Metric(
        namespace=properties["Namespace"],
        name=properties["MetricName"],
        dimensions={item["Name"]: canonical(item["Value"]) for item in properties.get("Dimensions", [])},
        statistic=statistic,
    )
