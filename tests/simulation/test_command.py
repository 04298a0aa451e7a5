"""`seachange simulate`: exit codes, the table, JSON, bad input."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seachange.cli.app import app
from seachange.errors import SeaChangeError
from tests.simulation.small_assembly import alarm, assembly

TRAFFIC = ("--requests-per-s", "20", "--releases", "300")


def seachange(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", "--app", str(directory), *arguments])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return assembly(tmp_path / "cdk.out")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--error-rate", "5%"], 0, "5 % errors"),
        (["--error-rate", "0.05", "--catch", "99%"], 0, "5 % errors"),
        (["--error-rate", "0.5%"], 0, "0.5 % errors"),
        (
            ["--error-rate", "0.1%", "--catch", "99%"],
            1,
            "no: 0.1 % errors: 0.0% are rolled back by the end of the bake; wanted are 99.0%",
        ),
        (
            ["--error-rate", "5%", "--background", "4%"],
            1,
            "no: 100.0 of a hundred good releases are rolled back; wanted are 1 at most",
        ),
        (["--error-rate", "5%", "--background", "4%", "--false-alarms", "100"], 0, "4 % of them fail anyway"),
        (["--error-rate", "50%", "--share", "1%", "--catch", "50%"], 1, "no: 50 % errors"),
        (["--slowdown", "9", "--resets", "9%", "--unhealthy", "--catch", "1%"], 1, "no: 9 times slower"),
        (["--error-rate", "50%", "--above", "30", "--catch", "1%"], 1, "no: 50 % errors"),
        (["--error-rate", "50%", "--until", "60", "--catch", "99%"], 1, "no: 50 % errors"),
        (["--error-rate", "50%", "--after", "600", "--catch", "99%"], 0, "50 % errors"),
    ],
)
def test_exit_codes(directory: Path, arguments: list[str], code: int, said: str) -> None:
    result = seachange(directory, *TRAFFIC, *arguments)
    assert result.exit_code == code, result.output
    assert said in result.stdout


def test_a_range_is_simulated_when_nothing_is_asked_for(directory: Path) -> None:
    result = seachange(directory, *TRAFFIC)
    for row in ("good release", "0.5 % errors", "50 % errors", "1.5 times slower", "10 times slower"):
        assert row in result.stdout
    assert "metrics visible after 60 to 180 s" in result.stdout
    assert "simulating: 50 % errors" in result.stderr
    # Nothing is cut off in eighty columns.
    assert "…" not in result.stdout


def test_json(directory: Path) -> None:
    result = seachange(directory, *TRAFFIC, "--error-rate", "5%", "--visible", "60", "60", "--format", "json")
    found = json.loads(result.stdout)
    assert found["schema"] == "seachange.simulation/1"
    assert found["verdict"] == "pass"
    assert found["reasons"] == found["not_simulated"] == []
    assert found["releases"] == 300
    assert found["profile"]["requests_per_s"] == [20]
    assert found["unknowns"]["visible"] == {"low": 60, "high": 60}
    assert [step["green_weight"] for step in found["shift"]["steps"]] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    good, bad = found["results"]
    assert (good["name"], bad["name"]) == ("good release", "5 % errors")
    assert bad["fault"]["errors"] == 0.05
    assert good["rolled_back"]["value"] == 0
    assert bad["rolled_back"]["value"] == 1
    assert bad["first"] == {"Rate": 1.0}
    assert bad["time_s"]["p5"] <= bad["time_s"]["p50"] <= bad["time_s"]["p95"]
    assert bad["range"] == [1, 1]
    assert {variant["unknown"] for variant in bad["variants"]} == {"delays", "points", "zeros", "newest"}
    # No number that JSON does not have.
    assert "Infinity" not in result.stdout


def test_the_same_seed_is_the_same_answer(directory: Path) -> None:
    asked = (*TRAFFIC, "--error-rate", "2%", "--format", "json")
    first, again, other = (seachange(directory, *asked, "--seed", seed).stdout for seed in ("1", "1", "2"))
    assert first == again
    assert first != other


def test_an_answer_that_depends_on_what_is_not_known_is_shown_twice_with_an_alarm_that_is_right_either_way(
    tmp_path: Path,
) -> None:
    sparse = assembly(tmp_path, Sparse=alarm("errors", Threshold=0, EvaluationPeriods=2))
    result = seachange(
        sparse, *TRAFFIC, "--background", "0.02%", "--error-rate", "5%", "--false-alarms", "100", "--releases", "4000"
    )
    assert "good release: if alarms fetch just N points" in result.stdout
    assert "good release: if counts of errors are sent when 0" in result.stdout
    assert (
        "recommended: Sparse: write `IF(requests > 0, FILL(errors, 0), 0)` in 2 of 2 instead of `errors` in 2 of 2"
        in result.stdout
    )


def test_a_profile_from_a_file_and_one_from_logs(directory: Path, tmp_path: Path) -> None:
    stated = tmp_path / "traffic.toml"
    stated.write_text("requests_per_s = 20\nerror_rate = 0.001\n", "utf-8")
    result = seachange(directory, "--profile", str(stated), "--releases", "50", "--error-rate", "5%")
    assert "traffic: 20 requests/s, 0.1 % of them fail anyway" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "state it with one of --profile FILE, --logs PATH and --requests-per-s NUMBER"),
        (["--requests-per-s", "5", "--logs", "logs"], "state it with one of"),
        (["--profile", "traffic.toml", "--background", "1%"], "--background goes with --requests-per-s"),
        (["--profile", "missing.toml"], "missing.toml does not exist"),
        (["--logs", "missing"], "missing"),
        (["--requests-per-s", "-1"], "cannot be"),
        (
            ["--requests-per-s", "5", "--error-rate", "5"],
            "--error-rate cannot be 5: give a share of the requests, as 5% or 0.05",
        ),
        (["--requests-per-s", "5", "--error-rate", "five"], "--error-rate cannot be five"),
        (["--requests-per-s", "5", "--error-rate", "5%%"], "--error-rate cannot be 5%%"),
        (["--requests-per-s", "5", "--catch", "101%"], "--catch cannot be 101%"),
        (["--requests-per-s", "5", "--slowdown", "0"], "--slowdown cannot be 0: give a factor"),
        (["--requests-per-s", "5", "--visible", "180", "60"], "between 180 and 60 s lies nothing"),
        (["--requests-per-s", "5", "--releases", "0"], "0 releases tell nothing"),
    ],
)
def test_bad_input_is_one_clear_line(directory: Path, arguments: list[str], problem: str) -> None:
    error = seachange(directory, *arguments).exception
    assert isinstance(error, SeaChangeError)
    assert problem in str(error)
    assert "\n" not in str(error)


def test_an_assembly_without_a_deployment_is_refused(tmp_path: Path) -> None:
    error = seachange(tmp_path, *TRAFFIC).exception
    assert isinstance(error, SeaChangeError)
    assert "no cloud assembly in" in str(error)


@pytest.mark.parametrize("module", ["seachange.cli.app", "seachange.plan.template", "seachange.evaluation"])
def test_numpy_is_loaded_only_where_something_is_calculated(module: str) -> None:
    code = f"import sys, {module}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
