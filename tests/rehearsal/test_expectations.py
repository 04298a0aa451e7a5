"""What a drill must end with: a rule's answer, or that of the simulated alarms, and nothing where neither knows."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from seachange.assembly import Assembly
from seachange.plan.faults import Fault
from seachange.plan.model import Plan, Step
from seachange.plan.template import read_plan
from seachange.rehearsal import drills
from seachange.rehearsal.access_log import ANSWERED, Entry
from seachange.rehearsal.acts import Moment
from seachange.rehearsal.drills import ONE_ENDPOINT, Drill
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.expectations import Expectation, concerned, expect, measured
from seachange.rehearsal.load.record import Record
from seachange.rehearsal.options import Options
from tests.rehearsal.plans import alarm


@pytest.fixture
def shifting(plan: Plan) -> Plan:
    """The made-up plan with ten steps and a bake."""
    steps = tuple(Step(at_s=180.0 * step, green_weight=10 * (step + 1)) for step in range(10))
    return replace(plan, shift=replace(plan.shift, steps=steps, bake_s=1800.0))


@pytest.fixture
def example(blue: Path, green: Path) -> Plan:
    """The example's own plan."""
    return read_plan(Assembly.load(blue), Assembly.load(green))


def answer(target_s: float, status: int = 200) -> Entry:
    return Entry(number="1", at=1000.0, group="blue", status=status, target_s=target_s, outcome=ANSWERED)


def expected(
    plan: Plan, name: str, *, rate: float = 200, speed: float = 60, baseline: Sequence[Entry] = ()
) -> Expectation:
    drill = drills.named(name)
    options = Options(speed=speed, rate=rate, rows=1, port=None, drill=drill, logs=Path("unused"))
    profile = measured(plan, options, baseline or [answer(0.004), answer(0.005), answer(0.006)])
    return expect(drill, drill.fault(plan.shift), plan, options, profile)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("none", "completes"),
        ("errors-5", "rolls-back"),
        ("errors-50", "rolls-back"),
        # Its group's alarm is on 5xx answers, and a closed connection is none of the target's.
        ("closes-connections", "completes"),
        ("no-data", "completes"),
        ("sick-blue", "completes"),
        ("leak-in-bake", "rolls-back"),
    ],
)
def test_alarms_decide_as_simulated(shifting: Plan, name: str, outcome: str) -> None:
    found = expected(shifting, name)
    assert found.outcome == outcome
    assert found.probability == (1 if outcome == "rolls-back" else 0)


def test_without_automatic_rollback_an_alarm_stops_the_deployment(shifting: Plan) -> None:
    stopping = replace(shifting, shift=replace(shifting.shift, rolls_back_on_alarm=False))
    assert expected(stopping, "errors-50").outcome == "stops"
    assert expected(stopping, "none").outcome == "completes"


def test_an_alarm_that_is_watched_and_not_simulated_makes_nothing_expected(shifting: Plan) -> None:
    counted = replace(alarm("G").metrics["requests"], statistic="SampleCount")
    unknown = replace(alarm("G"), metrics={"m": counted}, expression="m")
    found = expected(replace(shifting, shift=replace(shifting.shift, alarms=(unknown,))), "none")
    assert (found.outcome, found.why) == ("undecided", "GErrorsB is watched here, and cannot be simulated")


def test_what_chance_decides_is_undecided(shifting: Plan) -> None:
    laxer = replace(shifting.shift, alarms=tuple(replace(alarm, threshold=25) for alarm in shifting.shift.alarms))
    found = expected(replace(shifting, shift=laxer), "errors-5", rate=10)
    assert found.outcome == "undecided"
    assert found.probability is not None
    assert 0.001 < found.probability < 0.999


def test_another_threshold_is_another_expectation(shifting: Plan) -> None:
    deaf = replace(shifting.shift, alarms=tuple(replace(alarm, threshold=60) for alarm in shifting.shift.alarms))
    assert expected(replace(shifting, shift=deaf), "errors-5").outcome == "completes"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("crash-loop", "rolls-back"),
        ("smoke-test", "rolls-back"),
        ("breaks-blue", "refused"),
        ("alarm-at-start", "refused"),
    ],
)
def test_rules_decide_without_alarms(shifting: Plan, name: str, outcome: str) -> None:
    assert expected(shifting, name) == Expectation(
        outcome=outcome, probability=None, why="a rule of the deployment, whatever the alarms say"
    )


def test_nothing_is_expected_of_a_restart(shifting: Plan) -> None:
    found = expected(shifting, "database-restart")
    assert (found.outcome, found.probability) == ("undecided", None)


def test_a_fault_begins_in_the_middle_of_its_moment(shifting: Plan) -> None:
    drill = Drill(name="late", what="", green=Fault(errors=1), begins=Moment.BAKE)
    assert drill.fault(shifting.shift).after_s == 1620 + 900


def record(path: str) -> Record:
    return Record(number=1, method="GET", path=path, adds=0, intended=0, lag_s=0, latency_s=0, status=200, problem="")


def test_the_one_endpoint_is_the_one_that_is_asked_least() -> None:
    asked = [record("/orders/{{id}}")] * 6 + [record("/orders")] * 3 + [record("/prices/{{id}}")]
    found = concerned(Fault(errors=1, path=ONE_ENDPOINT), asked)
    assert found == Fault(errors=1, path="/prices/", share=0.1)


def test_one_endpoint_alone_cannot_go_bad() -> None:
    assert concerned(Fault(errors=1, path=ONE_ENDPOINT), [record("/orders/{{id}}")] * 3) is None


def test_every_drill_has_a_name_of_its_own() -> None:
    names = [drill.name for drill in drills.all_drills()]
    assert len(set(names)) == len(names) == 23
    assert [drills.named(name).name for name in names] == names


def test_an_unknown_drill_lists_all() -> None:
    with pytest.raises(ConfigError, match=r"errors-1 to errors-100, none, .*crash-loop"):
        drills.named("earthquake")


def test_it_says_when_the_alarm_comes_where_nearly_all_releases_meet_one(shifting: Plan) -> None:
    found = expected(shifting, "errors-50")
    assert found.between_s is not None
    earliest, latest = found.between_s
    # The alarm's own minutes, and the one after which the last of them can be read.
    assert 120 <= earliest <= latest < 600
    assert expected(shifting, "none").between_s is None
    assert expected(shifting, "smoke-test").between_s is None


def test_a_service_that_fails_anyway_is_expected_to_be_rolled_back(shifting: Plan) -> None:
    """A tenth of blue's own answers in the baseline are errors: green, no worse, meets the same alarms."""
    failing = [answer(0.005, 500), *[answer(0.005 + index / 1e4) for index in range(9)]]
    assert expected(shifting, "none", baseline=failing).outcome == "rolls-back"


@pytest.mark.parametrize(
    ("name", "speed", "between_s"), [("slow", 1, (240, 240)), ("slow", 60, (360, 360)), ("leak", 60, (1020, 1020))]
)
def test_what_takes_real_time_is_seen_later_on_a_faster_clock(
    example: Plan, name: str, speed: float, between_s: tuple[float, float]
) -> None:
    """Two seconds, by which every answer is slower, are two minutes at speed 60."""
    assert expected(example, name, rate=300, speed=speed).between_s == between_s


def test_a_target_is_sick_once_its_checks_have_failed(example: Plan) -> None:
    """Three checks, a second apart, are two to three minutes at speed 60; at once it would be after 1020 s."""
    assert expected(example, "all-unhealthy", rate=300).between_s == (1140, 1200)
