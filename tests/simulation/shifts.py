"""Shifts and profiles to simulate."""

from dataclasses import replace
from typing import Any

from seachange.evaluation import Alarm, Composite, Metric
from seachange.plan.model import Shift, Step
from seachange.simulation.profile import Profile
from seachange.simulation.unknowns import Unknowns, exactly

COLOURS = {"G": "green", "B": "blue"}
# A release whose delays are known: 60 s to the metric, 30 s to the evaluation, 20 s to the poll.
KNOWN = Unknowns(begins=exactly(0), visible=exactly(60), evaluated=exactly(30), polled=exactly(20))
TEN_STEPS = tuple(Step(at_s=180.0 * index, green_weight=10 * (index + 1)) for index in range(10))


def metric(name: str, group: str | None = "G", statistic: str = "Sum") -> Metric:
    """A metric of green's group (G), of blue's (B), or of the load balancer."""
    dimensions = {"LoadBalancer": '"app"'} | ({"TargetGroup": f'{{"Ref": "{group}"}}'} if group else {})
    return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, statistic=statistic)


REQUESTS, ERRORS = metric("RequestCount"), metric("HTTPCode_Target_5XX_Count")
RESETS = metric("HTTPCode_ELB_502_Count", None)


def alarm(
    expression: str, threshold: float, *, of: tuple[int, int] = (1, 1), name: str = "alarm", **more: Any
) -> Alarm:
    """An alarm, M of N (`of`), over the metrics that are left in `more`."""
    fields = {
        key: more.pop(key) for key in ("period_s", "missing_data", "comparison", "ignores_low_samples") if key in more
    }
    return Alarm(
        name=name,
        metrics=more,
        expression=expression,
        threshold=threshold,
        datapoints_to_alarm=of[0],
        evaluation_periods=of[1],
        **{"period_s": 60, "missing_data": "notBreaching", "comparison": "GreaterThanThreshold"} | fields,
    )


RATE = alarm(
    "IF(requests >= 50, 100 * FILL(errors, 0) / requests, 0)",
    2,
    of=(2, 3),
    name="rate",
    requests=REQUESTS,
    errors=ERRORS,
)
BALANCER = alarm("FILL(e502, 0)", 10, name="balancer", e502=RESETS)


def shift(
    *alarms: Alarm, composites: tuple[Composite, ...] = (), decisive: frozenset[str] | None = None, **more: Any
) -> Shift:
    """Ten percent every three minutes, half an hour of bake; all alarms decide unless it is said which."""
    made = Shift(
        steps=TEN_STEPS,
        bake_s=1800.0,
        alarms=alarms,
        composites=composites,
        unread_alarms=(),
        decisive=decisive if decisive is not None else frozenset(one.name for one in (*alarms, *composites)),
        colours=COLOURS,
        rolls_back_on_alarm=True,
    )
    return replace(made, **more)


def profile(per_s: float = 100.0, **more: Any) -> Profile:
    """So many requests per second, 50 ms each as a rule, without an error of their own."""
    made = Profile(
        requests_per_s=(per_s,), latency_median_s=0.05, latency_sigma=0.5, error_rate=0.0, dispersion=1.0, tasks=2
    )
    return replace(made, **more)
