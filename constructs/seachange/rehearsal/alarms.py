"""Alarms between the template and the rehearsal: read from `AWS::CloudWatch::Alarm`, fed with what the load balancer measured."""

from collections.abc import Mapping
from typing import Any

from seachange.assembly import Assembly, Resource, canonical
from seachange.evaluation import COMPARISONS, Alarm, ExpressionError, Metric, metric_ids, value
from seachange.rehearsal.errors import UnreadableAlarmError


def read_alarms(assembly: Assembly, group: Resource) -> tuple[tuple[Alarm, ...], tuple[str, ...]]:
    """The alarms of a deployment group, and those that we cannot evaluate, each with the reason."""
    alarms, unread = [], []
    for entry in group.properties.get("AlarmConfiguration", {}).get("Alarms", []):
        resource = assembly.target(entry["Name"], of=group)
        if resource is None:
            unread.append(f"{canonical(entry['Name'])}: it is not in the service's template")
            continue
        try:
            alarms.append(_read(resource))
        except UnreadableAlarmError as error:
            unread.append(f"{resource.logical_id}: {error}")
    return tuple(alarms), tuple(unread)


def _read(resource: Resource) -> Alarm:
    properties = resource.properties
    if resource.type != "AWS::CloudWatch::Alarm":
        raise UnreadableAlarmError(f"{resource.type} is not evaluated here")
    if properties["ComparisonOperator"] not in COMPARISONS or "Threshold" not in properties:
        raise UnreadableAlarmError("anomaly detection is not evaluated here")
    try:
        metrics, expression, period = _queries(properties) if "Metrics" in properties else _plain(properties)
        # Once over made-up points: what cannot be evaluated shall be known before the traffic shifts.
        value(expression, dict.fromkeys(metrics, 1.0))
    except ExpressionError as error:
        raise UnreadableAlarmError(str(error)) from error
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


def _queries(properties: Mapping[str, Any]) -> tuple[dict[str, Metric], str, int]:
    metrics: dict[str, Metric] = {}
    expressions: dict[str, str] = {}
    result = ""
    periods: set[int] = set()
    for query in properties["Metrics"]:
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
        raise UnreadableAlarmError("expressions of expressions, and several periods, are not evaluated here")
    return metrics, expression, periods.pop()


def _metric(properties: Mapping[str, Any], statistic: str) -> Metric:
    return Metric(
        namespace=properties["Namespace"],
        name=properties["MetricName"],
        dimensions={item["Name"]: canonical(item["Value"]) for item in properties.get("Dimensions", [])},
        statistic=statistic,
    )
