"""A warning at synthesis about alarms that do not suit the expected traffic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, AspectPriority, Aspects, Duration, IAspect, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct, IConstruct

from seachange.alarms.expected_traffic import ExpectedTraffic
from seachange.alarms.release import ReleaseAlarms
from seachange.targets import TargetGroup
from seachange.traffic import TrafficShift

if TYPE_CHECKING:
    from seachange.evaluation import Alarm
    from seachange.plan.model import Shift

_USUAL_BAKE_S = 1800.0


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What moves traffic, and what watches it.

    Attributes:
        blue, green: The target groups.
        alarms: What takes a release back.
        traffic_shift: The plan.
        bake_time: How long blue waits; one that is known only when the stack deploys counts as 30 minutes.
    """

    blue: TargetGroup
    green: TargetGroup
    alarms: ReleaseAlarms
    traffic_shift: TrafficShift
    bake_time: Duration


def warn_of_traffic(scope: Construct, expected: ExpectedTraffic | None, watched: Watched) -> None:
    """Warns, at the alarm, when the traffic makes it blind or makes it take good releases back: `@seachange/alarms:blind`, `…:triggerHappy`.

    Of the two directions green is looked at, and of the alarms those of this app on the load balancer's metrics: no composites, and none whose
    numbers are known only when the stack deploys.

    Args:
        scope: The service.
        expected: The traffic; None warns of nothing.
        watched: Traffic plan and alarms.
    """
    # A Network Load Balancer counts no requests: nothing that watches it depends on them.
    if expected is None or isinstance(watched.green, elbv2.NetworkTargetGroup):
        return
    # It comes last, when the app has made and changed its alarms. An aspect is asked about every construct below: this one has none.
    place = Construct(scope, "ExpectedTraffic")
    Aspects.of(place).add(_Check(scope, expected, watched), priority=AspectPriority.READONLY)


@jsii.implements(IAspect)
class _Check:
    def __init__(self, service: Construct, expected: ExpectedTraffic, watched: Watched) -> None:
        self._service = service
        self._expected = expected
        self._watched = watched

    def visit(self, node: IConstruct) -> None:  # noqa: ARG002 (there is one)
        try:
            from seachange.simulation.findings import Bad, findings
        except ModuleNotFoundError as error:
            if error.name != "numpy":
                raise
            Annotations.of(self._service).add_warning_v2(
                "@seachange/alarms:notSimulated",
                "expected_traffic= is given, but whether the alarms suit it was not looked at, for numpy is missing: install it, or seachange "
                "with its extra `rehearsal`.",
            )
            return
        alarms = _alarms(self._watched.alarms)
        expected = self._expected
        bad = Bad(
            error_percent=expected.bad_error_percent,
            delay_s=None if expected.p50_seconds is None else expected.bad_delay_seconds,
        )
        shift = _shift(self._watched, [alarm for alarm, _ in alarms.values()])
        for finding in findings(shift, expected.profile(), bad):
            _, made = alarms[finding.alarm]
            Annotations.of(made).add_warning_v2(f"@seachange/alarms:{finding.kind}", finding.text)


def _alarms(watching: ReleaseAlarms) -> dict[str, tuple["Alarm", cloudwatch.Alarm]]:
    """Name → the alarm as its template will have it, and the construct."""
    from seachange.assembly import Resource
    from seachange.plan.alarms import read_alarm
    from seachange.plan.errors import UnreadableAlarmError

    found = {}
    for made in (*watching.green, *watching.common):
        resource = made.node.default_child
        if not isinstance(made, cloudwatch.Alarm) or not isinstance(resource, cloudwatch.CfnAlarm):
            continue
        stack = Stack.of(made)
        one = Resource(
            stack=stack.stack_name,
            logical_id=stack.resolve(resource.logical_id),
            type=resource.cfn_resource_type,
            properties=stack.resolve(resource._render_properties(resource._cfn_properties)),
        )
        try:
            found[one.logical_id] = (read_alarm(one), made)
        except UnreadableAlarmError:
            continue
    return found


def _shift(watched: Watched, alarms: list["Alarm"]) -> "Shift":
    from seachange.assembly import referenced
    from seachange.plan.model import Shift
    from seachange.plan.template import traffic_steps

    colours = {}
    for colour, group in (("blue", watched.blue), ("green", watched.green)):
        assert isinstance(group, elbv2.ApplicationTargetGroup)
        colours[referenced(Stack.of(group).resolve(group.target_group_full_name)) or group.node.path] = colour
    bake = watched.bake_time
    return Shift(
        steps=traffic_steps(_routing(watched.traffic_shift)),
        bake_s=_USUAL_BAKE_S if bake.is_unresolved() else bake.to_seconds(),
        alarms=tuple(alarms),
        unread_alarms=(),
        colours=colours,
        decisive=frozenset(alarm.name for alarm in alarms),
        rolls_back_on_alarm=True,
    )


def _routing(shift: TrafficShift) -> Mapping[str, Any]:
    """The plan as a deployment configuration has it."""
    if shift.percent == 100:
        return {"Type": "AllAtOnce"}
    kind = "Linear" if shift.repeats else "Canary"
    times = {f"{kind}Percentage": shift.percent, f"{kind}Interval": shift.interval_minutes}
    return {"Type": f"TimeBased{kind}", f"TimeBased{kind}": times}
