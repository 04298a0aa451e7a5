"""`improve` and what it turns: few changes that catch more, disturb less or harm less, and "none reaches it"."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seachange.assembly import Assembly
from seachange.cli.app import app
from seachange.errors import SeaChangeError
from seachange.plan.faults import Fault
from seachange.plan.template import read_shift
from seachange.simulation.candidates import candidates, changed
from seachange.simulation.engine import simulate
from seachange.simulation.errors import SimulationError
from seachange.simulation.improve import Improvement, improve
from seachange.simulation.knobs import knobs
from seachange.simulation.result import Share
from seachange.simulation.target import Target
from seachange.simulation.trials import Trials
from seachange.simulation.unknowns import Unknowns
from tests.simulation.shifts import ERRORS, RATE, alarm, profile, shift
from tests.simulation.small_assembly import RATE as RATE_RESOURCE
from tests.simulation.small_assembly import assembly

COUNT = alarm("m", 10, of=(2, 2), name="count", m=ERRORS)
FIVE = Fault(errors=0.05)


def found(*alarms: Any, per_s: float, error_rate: float = 0.0, **arguments: Any) -> Improvement:
    return improve(
        shift(*alarms),
        profile(per_s, error_rate=error_rate),
        **{"fault": FIVE, "releases": 800, "limit_s": 120, **arguments},
    )


@pytest.fixture(scope="module")
def blind() -> Improvement:
    """A count at 2 requests/s: .05 of the releases with 5 % errors are taken back (docs/facts/cloudwatch.md)."""
    return found(COUNT, per_s=2)


def test_a_blind_count_gets_a_lower_threshold(blind: Improvement) -> None:
    assert blind.is_complete
    here, answer = blind.options[0], blind.answer
    assert here.bad.rolled_back.value < 0.2
    assert answer is not None
    assert [change.partition(" =")[0] for change in answer.changes] == ["threshold of count"]
    assert float(answer.changes[0].partition("= ")[2]) < 10
    assert answer.bad.rolled_back.low >= 0.99
    assert answer.good.rolled_back.high <= 0.01


def test_the_same_seed_finds_the_same(blind: Improvement) -> None:
    assert found(COUNT, per_s=2) == blind


def test_a_trigger_happy_count_gets_a_higher_one() -> None:
    result = found(COUNT, per_s=200, error_rate=0.001)
    assert result.options[0].good.rolled_back.value > 0.9
    assert result.answer is not None
    assert float(result.answer.changes[0].partition("= ")[2]) > 10


@pytest.mark.slow
def test_none_reaches_it_is_an_answer() -> None:
    """No threshold tells 5 % errors from 4 % that there are anyway, at a request every ten seconds."""
    result = found(RATE, per_s=0.1, error_rate=0.04)
    assert result.answer is None
    assert [option.verdict for option in result.options] == ["misses"] * len(result.options)


@pytest.mark.slow
def test_options_are_each_better_in_something_and_fewest_changes_come_first() -> None:
    result = found(RATE, per_s=20, fault=Fault(errors=0.015), target=Target(catch=0.9))
    sizes = [len(option.changes) for option in result.options]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert max(sizes) >= 1
    for place, option in enumerate(result.options):
        for other in result.options[:place]:
            # As measured, with the search's own tolerance twice.
            assert not (
                other.bad.rolled_back.value >= option.bad.rolled_back.value + 0.02
                and other.good.rolled_back.value <= option.good.rolled_back.value - 0.006
                and other.bad.harmed.mean <= 0.94 * option.bad.harmed.mean
            )
    least = min(option.bad.harmed.mean for option in result.options)
    assert least < 0.8 * result.options[0].bad.harmed.mean


def test_a_trial_is_what_a_simulation_says() -> None:
    """The search's short cut, alarm by alarm on kept draws, and the simulation of the whole changed shift."""
    its_shift, traffic = shift(RATE, COUNT), profile(20, error_rate=0.001)
    trials = Trials(its_shift, traffic, Fault(errors=0.02), 3, Unknowns())
    every = candidates(its_shift)
    sets = [(), *((one,) for one in every[::9]), (every[0], every[-1]), (every[3], every[-6], every[-1])]
    for changes in sets:
        score = trials.score(changes)
        whole = simulate(changed(its_shift, changes), traffic, fault=Fault(errors=0.02), releases=1000, seed=9)
        assert score.caught == pytest.approx(whole.rolled_back.value, abs=0.08), changes
        assert score.harm == pytest.approx(whole.harmed.mean, rel=0.2), changes


def test_the_examples_numbers_stand_in_its_code(green: Path) -> None:
    turned = knobs(read_shift(Assembly.load(green)))
    values = {name: knob.value for name, knob in turned.items()}
    assert values == {
        "ReleaseThresholds(error_percent=)": 2,
        "ReleaseThresholds(connection_error_percent=)": 2,
        "ReleaseThresholds(balancer_error_percent=)": 2,
        "ReleaseThresholds(error_datapoints=, error_periods=)": (2, 3),
        "ReleaseThresholds(p99_seconds=)": 1,
        "ReleaseThresholds(minimum_requests=)": 50,
        "ReleaseThresholds(comparison_error_percent=)": 1,
        "ReleaseThresholds(comparison_p90_seconds=)": 0.1,
        "ReleaseThresholds(comparison_requests=)": 200,
    }
    assert turned["ReleaseThresholds(error_datapoints=, error_periods=)"].written((3, 5)) == (
        "ReleaseThresholds(error_datapoints=3, error_periods=5)"
    )


def test_every_change_is_one_that_the_constructs_take(green: Path) -> None:
    from aws_cdk import Duration

    from seachange import ReleaseThresholds, TrafficShift

    its_shift = read_shift(Assembly.load(green))
    known = {"ReleaseThresholds": ReleaseThresholds, "TrafficShift": TrafficShift, "Duration": Duration}
    for change in candidates(its_shift):
        text = change.written
        if text.startswith("BlueGreenService("):
            text = text.removeprefix("BlueGreenService(").partition("=")[2].removesuffix(")")
        made = eval(text, known)
        if isinstance(made, ReleaseThresholds):
            assert made != ReleaseThresholds()
        if change.steps:
            assert made.duration.to_seconds() == change.steps[-1].at_s <= 35 * 60
        if change.bake_s:
            assert made.to_seconds() == change.bake_s


def test_a_change_turns_all_alarms_that_share_the_argument(green: Path) -> None:
    its_shift = read_shift(Assembly.load(green))
    change = next(one for one in candidates(its_shift) if one.argument == "ReleaseThresholds(minimum_requests=)")
    after = changed(its_shift, (change,))
    turned = [alarm.name for alarm, before in zip(after.alarms, its_shift.alarms, strict=True) if alarm != before]
    assert len(turned) == 4 + 3  # blue's are not decisive, but stand on the same argument


@pytest.mark.parametrize(
    ("bad", "good", "verdict"),
    [
        ((1000, 1000), (0, 1000), "reaches"),
        ((992, 1000), (0, 1000), "undecided"),
        ((1000, 1000), (8, 1000), "undecided"),
        ((900, 1000), (0, 1000), "misses"),
        ((1000, 1000), (50, 1000), "misses"),
    ],
)
def test_a_verdict_heeds_the_intervals(bad: tuple[int, int], good: tuple[int, int], verdict: str) -> None:
    assert Target().verdict(Share.of(*bad), Share.of(*good)) == verdict


def test_refuses() -> None:
    for arguments in ({"catch": 0}, {"catch": 1.1}, {"false_alarms": -1}, {"false_alarms": 101}):
        with pytest.raises(SimulationError, match="give"):
            Target(**arguments)
    with pytest.raises(SimulationError, match="there is no fault to be caught"):
        found(RATE, per_s=20, fault=Fault())


def test_time_that_is_up_is_said() -> None:
    result = found(RATE, per_s=20, limit_s=0, releases=200)
    assert not result.is_complete
    assert result.tried == 1


COMMAND = ["simulate", "--requests-per-s", "20", "--releases", "500", "--improve", "--app"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "more", "code", "said"),
    [
        ("5%", [], 0, "nothing has to change: 99 % of releases like `5 % errors` rolled back, and 1 of a hundred"),
        ("1.5%", [], 0, "1 change: reaches what is wanted\n    "),
        ("0.01%", ["--background", "2%"], 1, "no: none reaches it: 99 % of releases like `0.01 % errors` rolled back"),
    ],
)
def test_the_command(tmp_path: Path, fault: str, more: list[str], code: int, said: str) -> None:
    directory = assembly(tmp_path / "cdk.out", Rate=RATE_RESOURCE)
    result = CliRunner().invoke(app, [*COMMAND, str(directory), "--error-rate", fault, *more])
    assert result.exit_code == code, result.output
    assert said in result.stdout


@pytest.mark.slow
def test_the_command_in_json(tmp_path: Path) -> None:
    directory = assembly(tmp_path / "cdk.out", Rate=RATE_RESOURCE)
    result = CliRunner().invoke(app, [*COMMAND, str(directory), "--error-rate", "1.5%", "--format", "json"])
    answer = json.loads(result.stdout)
    assert (answer["schema"], answer["verdict"]) == ("seachange.improvement/1", "pass")
    assert answer["target"] == {"catch": 0.99, "false_alarms": 1}
    assert answer["options"][0]["changes"] == []
    assert answer["answer"] in [option["changes"] for option in answer["options"] if option["verdict"] == "reaches"]
    assert all(option["caught_range"][0] <= option["caught"]["value"] for option in answer["options"])


def test_the_command_wants_one_fault(tmp_path: Path) -> None:
    directory = assembly(tmp_path / "cdk.out", Rate=RATE_RESOURCE)
    for faults in ([], ["--error-rate", "5%", "--resets", "1%"]):
        result = CliRunner().invoke(app, [*COMMAND, str(directory), *faults])
        assert isinstance(result.exception, SeaChangeError)
        assert "state one, as --error-rate 5%" in str(result.exception)
