"""Whether FILL gives the newest minute a value, while its data is still under way, nobody outside AWS knows; these alarms decide alike."""

from collections.abc import Mapping

import pytest

from seachange import BlueGreenLoadBalancer, ReleaseAlarms
from seachange.assembly import Resource, referenced
from seachange.evaluation import Alarm
from seachange.plan.alarms import read_alarm
from seachange.plan.faults import Fault
from seachange.plan.model import Shift
from seachange.simulation.engine import simulate
from tests.constructs.apps import new_stack, resources, their_vpc
from tests.simulation.shifts import profile, shift


@pytest.fixture(scope="module")
def shifts() -> Mapping[str, Shift]:
    """Alarm → the release that it alone watches."""
    stack = new_stack()
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack))
    ReleaseAlarms(stack, "Alarms", blue=balancer.blue, green=balancer.green)
    colours = {
        str(referenced(stack.resolve(group.target_group_full_name))): colour
        for colour, group in (("blue", balancer.blue), ("green", balancer.green))
    }
    alarms: list[Alarm] = [
        read_alarm(Resource(stack="s", logical_id=logical_id, type=body["Type"], properties=body["Properties"]))
        for logical_id, body in resources(stack).items()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return {alarm.name.removeprefix("Alarms")[:-8]: shift(alarm, colours=colours) for alarm in alarms}


# Faults at the edge of what each sees, where a minute more or less decides.
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("Green5xxRate", Fault(errors=0.01)),
        ("GreenErrorsAgainstBlue", Fault(errors=0.005)),
        ("GreenLatencyAgainstBlue", Fault(delay_s=0.19)),
    ],
)
def test_what_fill_makes_of_the_newest_minute_decides_nothing(
    shifts: Mapping[str, Shift], name: str, fault: Fault
) -> None:
    result = simulate(shifts[name], profile(20), fault=fault, releases=2000)
    assert 0.05 < result.rolled_back.value < 0.95
    (pinned,) = (variant for variant in result.variants if variant.unknown == "newest")
    assert pinned.rolled_back == result.rolled_back
    assert pinned.median_s == result.time_s.p50
