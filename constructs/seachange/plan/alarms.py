"""Alarms between the template and the rehearsal: read from `AWS::CloudWatch::Alarm`, fed with what the load balancer measured."""

from collections.abc import Mapping
from typing import Any

from seachange.assembly import Assembly, Resource, canonical
from seachange.evaluation import COMPARISONS, Alarm, ExpressionError, Metric, metric_ids, value
from seachange.plan.errors import UnreadableAlarmError


def read_alarms(assembly: Assembly, deployment: Resource) -> tuple[tuple[Alarm, ...], tuple[str, ...]]:
    """The single alarms that the deployment resource names, and those that we cannot evaluate, each with the reason.

    The deployment group's own list may hold composites over them; those of the resource are what is evaluated one by one.
    """
    alarms, unread = [], []
    for name in _named(deployment.properties):
        resource = assembly.target(name, of=deployment)
        if resource is None:
            unread.append(f"{canonical(name)}: it is not in the service's template")
            continue
        try:
            alarms.append(read_alarm(resource))
        except UnreadableAlarmError as error:
            unread.append(f"{resource.logical_id}: {error}")
    return tuple(alarms), tuple(unread)


def read_alarm(resource: Resource) -> Alarm:
    """One alarm out of the template; UnreadableAlarmError with the reason when it is beyond what we evaluate."""
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
        threshold=_number(properties, "Threshold"),
        comparison=properties["ComparisonOperator"],
        evaluation_periods=int(_number(properties, "EvaluationPeriods")),
        datapoints_to_alarm=int(
            _number(properties, "DatapointsToAlarm" if "DatapointsToAlarm" in properties else "EvaluationPeriods")
        ),
        missing_data=properties.get("TreatMissingData", "missing"),
        ignores_low_samples=properties.get("EvaluateLowSampleCountPercentile") == "ignore",
    )


def _named(deployment: Mapping[str, Any]) -> list[Any]:
    """Each alarm's name once, as the template has it."""
    names = [name for key in ("BlueAlarms", "GreenAlarms", "CommonAlarms") for name in deployment.get(key, [])]
    return list({canonical(name): name for name in names}.values())


def _number(properties: Mapping[str, Any], key: str) -> float:
    found = properties[key]
    try:
        return float(found)
    except (TypeError, ValueError) as error:
        raise UnreadableAlarmError(f"its {key} is known only on AWS: {canonical(found)}") from error


def _plain(properties: Mapping[str, Any]) -> tuple[dict[str, Metric], str, int]:
    statistic = properties.get("Statistic") or properties.get("ExtendedStatistic")
    return {"m": _metric(properties, str(statistic))}, "m", int(_number(properties, "Period"))


def _queries(properties: Mapping[str, Any]) -> tuple[dict[str, Metric], str, int]:
    metrics: dict[str, Metric] = {}
    expressions: dict[str, str] = {}
    result = ""
    periods: set[int] = set()
    for query in properties["Metrics"]:
        if "Expression" in query:
            if not isinstance(query["Expression"], str):
                raise UnreadableAlarmError(f"its expression is known only on AWS: {canonical(query['Expression'])}")
            expressions[query["Id"]] = query["Expression"]
            periods |= {int(_number(query, "Period"))} if "Period" in query else set()
        else:
            metrics[query["Id"]] = _metric(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"])
            periods.add(int(_number(query["MetricStat"], "Period")))
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
