"""Which alarms are forced so that one which may stop the deployment is in ALARM when it would start."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from seachange.evaluation import Composite, Every, Is, Not, Rule, Some, State
from seachange.plan.model import Plan
from seachange.rehearsal.clock import Clock
from seachange.rehearsal.errors import NotApplicableError
from seachange.rehearsal.forcing import forcing
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.watch import AlarmWatch

A, B = Is("ALARM", "GErrorsB"), Is("ALARM", "BErrorsB")


class NoRequests(Measurements):
    """Nothing was ever measured."""

    def __init__(self) -> None:
        pass

    def bucket(self, colour: str, start: float, end: float) -> Bucket:  # noqa: ARG002 (all are alike)
        return Bucket()


def at_start(plan: Plan, *rules: Rule) -> tuple[Mapping[str, State], list[str]]:
    """What is forced where the last of these composites decides alone, and what then is in ALARM."""
    composites = tuple(Composite(name=f"C{index}", rule=rule) for index, rule in enumerate(rules))
    shift = replace(plan.shift, composites=composites, decisive=frozenset({composites[-1].name}))
    return forced_by(replace(plan, shift=shift))


def forced_by(plan: Plan) -> tuple[Mapping[str, State], list[str]]:
    watch = AlarmWatch(plan, NoRequests(), Clock(start=0, speed=60))
    forced = forcing(watch, plan.shift)
    watch.force(forced)
    return forced, watch.firing()


def test_an_alarm_that_decides_itself_is_forced_alone(plan: Plan) -> None:
    composite = Composite(name="C", rule=B)
    shift = replace(plan.shift, composites=(composite,), decisive=frozenset({"C", "GErrorsB"}))
    assert forced_by(replace(plan, shift=shift)) == ({"GErrorsB": "ALARM"}, ["GErrorsB"])


@pytest.mark.parametrize(
    ("rule", "forced"),
    [
        (Some((A, B)), {"GErrorsB": "ALARM"}),
        (Every((A, B)), {"GErrorsB": "ALARM", "BErrorsB": "ALARM"}),
        (Every((A, Not(B))), {"GErrorsB": "ALARM", "BErrorsB": "INSUFFICIENT_DATA"}),
        (Every((A, Is("OK", "BErrorsB"))), {"GErrorsB": "ALARM", "BErrorsB": "OK"}),
        # The first way would ask one alarm for two states.
        (Every((Some((A, B)), Is("OK", "GErrorsB"))), {"GErrorsB": "OK", "BErrorsB": "ALARM"}),
        (Not(Every((Is("OK", "GErrorsB"), Is("OK", "BErrorsB")))), {"GErrorsB": "ALARM"}),
    ],
)
def test_a_composite_that_alone_decides_is_forced_through_what_it_asks_for(
    plan: Plan, rule: Rule, forced: Mapping[str, State]
) -> None:
    assert at_start(plan, rule) == (forced, ["C0"])


def test_a_composite_over_a_composite(plan: Plan) -> None:
    assert at_start(plan, Some((A, B)), Every((Is("ALARM", "C0"), Not(A)))) == (
        {"BErrorsB": "ALARM", "GErrorsB": "INSUFFICIENT_DATA"},
        ["C1"],
    )
    assert at_start(plan, A, Is("OK", "C0")) == ({"GErrorsB": "INSUFFICIENT_DATA"}, ["C1"])


@pytest.mark.parametrize("rule", [Every((A, Not(A))), Some(), Is("ALARM", "GErrorsS")])
def test_none_can_be_forced(plan: Plan, rule: Rule) -> None:
    # The last asks for a metric that the stage does not have.
    with pytest.raises(NotApplicableError, match="no alarm that this stage can measure may stop the deployment"):
        at_start(plan, rule)
