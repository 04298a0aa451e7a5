"""How long the load may last: longer than every part of the rehearsal that has to be under load."""

from dataclasses import replace
from pathlib import Path

from seachange.plan.model import Plan, Smoke
from seachange.plan.routing import Listener
from seachange.rehearsal.drills import Drill
from seachange.rehearsal.duration import longest_s
from seachange.rehearsal.options import Options

IDLE = Drill(name="idle", what="connections are idle", idle=True)
NONE = Drill(name="none", what="nothing")


def longest(plan: Plan, *, drill: Drill = NONE, speed: float = 60, ready_timeout_s: float = 0) -> float:
    options = Options(speed=speed, rate=50, rows=1, port=None, drill=drill, logs=Path())
    return longest_s(plan, options, ready_timeout_s=ready_timeout_s)


def test_an_idle_timeout_that_a_drill_waits_for(plan: Plan) -> None:
    hour = replace(plan, listener=Listener(idle_timeout_s=3600))
    assert longest(hour, drill=IDLE) == longest(plan) + 3600
    assert longest(hour) == longest(plan)


def test_the_deregistration_delay_of_the_twin_and_of_the_colour_that_ends(plan: Plan) -> None:
    assert longest(replace(plan, deregistration_delay_s=3600)) == longest(plan) + 7200


def test_the_ends_of_tasks(plan: Plan) -> None:
    slow = replace(plan.blue, stop_timeout_s=120)
    for slowly in (replace(plan, blue=slow), replace(plan, green=slow)):
        assert longest(slowly) == longest(plan) + 2 * (120 - 30)


def test_the_starts_of_tasks_and_the_smoke_test(plan: Plan) -> None:
    assert longest(plan, ready_timeout_s=1000) == longest(plan) + 2000
    assert longest(replace(plan, smoke=Smoke(steps=(), host=None, limit_s=600))) == longest(plan) + 600


def test_only_the_plans_clock_follows_the_speed(plan: Plan) -> None:
    baking = replace(plan, deregistration_delay_s=300, shift=replace(plan.shift, bake_s=3600))
    assert longest(baking, speed=1) == longest(baking, speed=60) + 59 * 60
