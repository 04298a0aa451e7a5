"""The alarms of our constructs over green, as data: what could be added where no alarm sees a fault.

The command line never loads the constructs, so their expressions stand here once more; a test compares them with the synthesized template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from seachange.evaluation import Alarm, Metric
from seachange.plan.alb import ALB
from seachange.plan.model import Shift

_RELEASE_ALARMS = "ReleaseAlarms, which every BlueGreenService has,"
_BALANCER_ALARM = "ReleaseAlarms(load_balancer=), given by a BlueGreenService whose load balancer is its own (ExistingTargets: is_own=True),"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """An alarm of our constructs.

    Attributes:
        alarm: With its default threshold.
        adds: What makes it, as the subject of a sentence.
        argument: The argument of `ReleaseThresholds` that is its threshold; None for a fixed one.
    """

    alarm: Alarm
    adds: str = _RELEASE_ALARMS
    argument: str | None = None


def kind(alarm: Alarm) -> tuple[tuple[str, str, bool], ...]:
    """What an alarm reads: alarms of a kind differ in numbers only."""
    read = ((metric.name, metric.statistic, "TargetGroup" in metric.dimensions) for metric in alarm.metrics.values())
    return tuple(sorted(read))


def remedies(shift: Shift) -> tuple[Remedy, ...]:
    """All of them, over the groups of a deployment; the most telling first."""
    balancer = {"LoadBalancer": _balancer(shift)}
    groups = {
        colour: balancer
        | {"TargetGroup": json.dumps({"Fn::GetAtt": [logical_id, "TargetGroupFullName"]}, sort_keys=True)}
        for logical_id, colour in shift.colours.items()
    }
    requests, other_requests = (_metric("RequestCount", groups[colour]) for colour in ("green", "blue"))
    errors, other_errors = (_metric("HTTPCode_Target_5XX_Count", groups[colour]) for colour in ("green", "blue"))
    p90, other_p90 = (_metric("TargetResponseTime", groups[colour], "p90") for colour in ("green", "blue"))
    failed = _metric("TargetConnectionErrorCount", groups["green"])
    p99 = _metric("TargetResponseTime", groups["green"], "p99")
    hosts = _metric("UnHealthyHostCount", groups["green"], "Maximum")
    own = {f"e{code}": _metric(f"HTTPCode_ELB_{code}_Count", balancer) for code in (502, 503, 504)}
    all_own = " + ".join(f"FILL({name}, 0)" for name in own)
    total = f"FILL(requests, 0) + {all_own}"
    tried = "FILL(requests, 0) + FILL(errors, 0)"
    enough = "requests >= 200 AND other_requests >= 200"
    both = {"requests": requests, "other_requests": other_requests}
    more_errors = "100 * FILL(errors, 0) / requests - 200 * FILL(other_errors, 0) / other_requests"
    return (
        Remedy(
            alarm=_alarm(
                "5xxRate",
                "IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)",
                2,
                2,
                {"requests": requests, "errors": errors},
            ),
            argument="error_percent",
        ),
        Remedy(
            alarm=_alarm(
                "ErrorsAgainst",
                f"IF({enough}, {more_errors}, 0)",
                1,
                2,
                both | {"errors": errors, "other_errors": other_errors},
            ),
            argument="comparison_error_percent",
        ),
        Remedy(
            alarm=_alarm(
                "ConnectionErrors",
                f"IF({tried} >= 50, 100 * FILL(errors, 0) / ({tried}), 0)",
                2,
                2,
                {"requests": requests, "errors": failed},
            ),
            argument="connection_error_percent",
        ),
        Remedy(
            alarm=_alarm(
                "LoadBalancer5xx",
                f"IF({total} >= 50, 100 * ({all_own}) / ({total}), 0)",
                2,
                2,
                {"requests": _metric("RequestCount", balancer), **own},
            ),
            adds=_BALANCER_ALARM,
            argument="balancer_error_percent",
        ),
        Remedy(
            alarm=_alarm("P99", "IF(requests >= 50, p99, 0)", 1, 3, {"requests": requests, "p99": p99}),
            argument="p99_seconds",
        ),
        Remedy(
            alarm=_alarm(
                "LatencyAgainst",
                f"IF({enough} AND other_p90 > 0, p90 - 2 * other_p90, 0)",
                0.1,
                3,
                both | {"p90": p90, "other_p90": other_p90},
                periods=4,
            ),
            argument="comparison_p90_seconds",
        ),
        Remedy(alarm=_alarm("Unhealthy", "m", 0, 3, {"m": hosts})),
    )


def _balancer(shift: Shift) -> str:
    """The load balancer as an alarm of the deployment names it; any name will do where none does."""
    named = (metric.dimensions.get("LoadBalancer") for alarm in shift.alarms for metric in alarm.metrics.values())
    return next((name for name in named if name), '"the load balancer"')


def _metric(name: str, dimensions: Mapping[str, str], statistic: str = "Sum") -> Metric:
    return Metric(namespace=ALB, name=name, dimensions=dimensions, statistic=statistic)


def _alarm(
    name: str, expression: str, threshold: float, datapoints: int, metrics: Mapping[str, Metric], periods: int = 3
) -> Alarm:
    return Alarm(
        name=name,
        metrics=metrics,
        expression=expression,
        period_s=60,
        threshold=threshold,
        comparison="GreaterThanThreshold",
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        missing_data="notBreaching",
    )
