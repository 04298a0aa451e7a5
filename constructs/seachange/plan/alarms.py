"""Alarms out of the template: read from `AWS::CloudWatch::Alarm` and `CompositeAlarm` into what can be evaluated."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seachange.assembly import Assembly, Resource, canonical
from seachange.evaluation import (
    COMPARISONS,
    Alarm,
    Composite,
    ExpressionError,
    Metric,
    check_expression,
    inlined,
    metric_ids,
)
from seachange.plan.composites import ALARM, COMPOSITE, read_composite
from seachange.plan.errors import UnreadableAlarmError

# CloudWatch has trimmed means and ranks too, which the stage and the simulator do not calculate.
_STATISTIC = re.compile(r"Sum|Average|Minimum|Maximum|SampleCount|p\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """The alarms of a deployment.

    Attributes:
        single: Those on metrics, and those that a composite asks for.
        composites: Each after the composites that it asks for.
        unread: Those that we cannot evaluate, each with the reason.
    """

    single: tuple[Alarm, ...]
    composites: tuple[Composite, ...]
    unread: tuple[str, ...]


def read_alarms(assembly: Assembly, deployment: Resource) -> Alarms:
    """The alarms that the deployment resource names, one by one: the composites that the constructs make over them are left aside."""
    reader = _Reader(assembly)
    for name in _named(deployment.properties):
        resource = assembly.target(name, of=deployment)
        if resource is None:
            reader.unread[canonical(name)] = "it is not in the service's template"
        else:
            reader.read(resource)
    unread = tuple(f"{name}: {reason}" for name, reason in reader.unread.items())
    return Alarms(single=tuple(reader.single.values()), composites=tuple(reader.composites.values()), unread=unread)


class _Reader:
    """Reads each alarm once, and those that a composite asks for before it."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self.single: dict[str, Alarm] = {}
        self.composites: dict[str, Composite] = {}
        self.unread: dict[str, str] = {}

    def read(self, resource: Resource) -> None:
        name = resource.logical_id
        if name in self.single or name in self.composites or name in self.unread:
            return
        try:
            if resource.type == COMPOSITE:
                composite, children = read_composite(self._assembly, resource)
                for child in children:
                    self.read(child)
                if lacking := [child.logical_id for child in children if child.logical_id in self.unread]:
                    raise UnreadableAlarmError(f"its rule asks for {', '.join(lacking)}, which is not evaluated here")
                self.composites[name] = composite
            else:
                self.single[name] = read_alarm(resource)
        except UnreadableAlarmError as error:
            self.unread[name] = str(error)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.unread[name] = f"its definition cannot be read here ({type(error).__name__}: {error})"


def read_alarm(resource: Resource) -> Alarm:
    """One alarm out of the template; UnreadableAlarmError with the reason when it is beyond what we evaluate."""
    properties = resource.properties
    if resource.type != ALARM:
        raise UnreadableAlarmError(f"{resource.type} is not evaluated here")
    if properties["ComparisonOperator"] not in COMPARISONS or "Threshold" not in properties:
        raise UnreadableAlarmError("anomaly detection is not evaluated here")
    try:
        metrics, expression, period = _queries(properties) if "Metrics" in properties else _plain(properties)
        # What cannot be evaluated shall be known before the traffic shifts.
        check_expression(expression)
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
            metrics[query["Id"]] = _metric(query["MetricStat"]["Metric"], str(query["MetricStat"]["Stat"]))
            periods.add(int(_number(query["MetricStat"], "Period")))
        if query.get("ReturnData", True):
            result = query["Id"]
    expression = inlined(expressions.get(result, result), expressions)
    if len(periods) != 1:
        raise UnreadableAlarmError("several periods are not evaluated here")
    if strangers := metric_ids(expression) - metrics.keys():
        raise UnreadableAlarmError(
            f"its expression is over {', '.join(sorted(strangers))}, which the alarm does not define"
        )
    return metrics, expression, periods.pop()


def _metric(properties: Mapping[str, Any], statistic: str) -> Metric:
    if not _STATISTIC.fullmatch(statistic):
        raise UnreadableAlarmError(f"its statistic {statistic} is not evaluated here")
    return Metric(
        namespace=properties["Namespace"],
        name=properties["MetricName"],
        dimensions={item["Name"]: canonical(item["Value"]) for item in properties.get("Dimensions", [])},
        statistic=statistic,
    )
