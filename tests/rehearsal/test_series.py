"""The table of all drills: what counts as expected, what never may be, and what a service cannot have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.drills import Drill, all_drills, named
from seachange.rehearsal.errors import NotApplicableError, StageError
from seachange.rehearsal.series import rehearse_all, row
from tests.rehearsal.reports import bad, good


def finished(kind: str, **changes: Any) -> dict[str, Any]:
    """A report of a rehearsal that was expected to be rolled back."""
    expectation = {"outcome": "rolls-back", "probability": 1.0, "why": "4000 simulated releases"}
    base = bad() if kind == "rolls-back" else good()
    outcome = {"kind": kind, "why": "" if kind == "completes" else "by alarm X"}
    facts = {"expectation": expectation, "outcome": outcome, "not_performed": [], "unexplained_failures": 0}
    return base | facts | {"kept_idle": None} | changes


ERRORS = named("errors-5")


def test_an_expected_end_is_as_expected() -> None:
    found = row(ERRORS, finished("rolls-back"))
    assert (found["expected"], found["outcome"], found["as_expected"]) == ("rolls-back", "rolls-back", True)
    assert found["failed"] > 0


def test_another_end_is_not() -> None:
    found = row(ERRORS, finished("completes"))
    assert found["as_expected"] is False
    assert found["why"] == "it should end with rolls-back, and ended with completes"


def test_an_undecided_one_does_not_count() -> None:
    undecided = {"outcome": "undecided", "probability": 0.4, "why": "4000 simulated releases"}
    assert row(ERRORS, finished("completes", expectation=undecided))["as_expected"] is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"unexplained_failures": 3}, "3 requests failed that the drill does not fail"),
        (
            {"data": {"rows_checked": 10, "divergent": 1, "rows_lost": 0, "divergent_keys": ["7"]}},
            "1 of 10 rows differ",
        ),
        ({"data": {"rows_checked": 0, "divergent": 0, "rows_lost": 0, "divergent_keys": []}}, "0 of 0 rows differ"),
        (
            {"data": {"rows_checked": 9, "divergent": 0, "rows_lost": 1, "divergent_keys": []}},
            "1 rows are lost that the load had added",
        ),
    ],
)
@pytest.mark.parametrize("expected", ["rolls-back", "undecided"])
def test_what_must_never_be_counts_always(expected: str, changes: Mapping[str, Any], why: str) -> None:
    expectation = {"outcome": expected, "probability": 0.5, "why": ""}
    found = row(ERRORS, finished("rolls-back", expectation=expectation, **changes))
    assert found["as_expected"] is False
    assert found["why"] == why


def test_an_act_that_found_nothing_to_act_on_does_not_count() -> None:
    found = row(named("migration-killed"), finished("rolls-back", not_performed=["the migration had ended before"]))
    assert (found["as_expected"], found["why"]) == (None, "the migration had ended before")


@pytest.mark.parametrize(("kept", "as_expected"), [(True, True), (False, False), (None, False)])
def test_idle_connections_must_be_kept(kept: bool | None, as_expected: bool) -> None:
    assert row(named("idle"), finished("rolls-back", kept_idle=kept))["as_expected"] is as_expected


def test_the_table_holds_every_drill(tmp_path: Path) -> None:
    def rehearse(drill: Drill, out: Path) -> dict[str, Any]:
        assert out == tmp_path / drill.name
        if drill.sticky:
            raise NotApplicableError("the target groups are not sticky")
        return finished("rolls-back", kept_idle=True)

    table = rehearse_all(rehearse, tmp_path, repeat="seachange rehearse --all-drills")
    assert [entry["name"] for entry in table["drills"]] == [drill.name for drill in all_drills()]
    [left_out] = [entry for entry in table["drills"] if entry["expected"] == "not applicable"]
    assert (left_out["name"], left_out["as_expected"], left_out["why"]) == (
        "sticky",
        None,
        "the target groups are not sticky",
    )
    assert (table["verdict"], table["reasons"]) == ("pass", [])
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(table))
    assert "crash-loop" in (tmp_path / "report.html").read_text()


def test_one_wrong_drill_fails_all(tmp_path: Path) -> None:
    def rehearse(drill: Drill, _: Path) -> dict[str, Any]:
        return finished("completes" if drill.name == "slow" else "rolls-back", kept_idle=True)

    table = rehearse_all(rehearse, tmp_path, repeat="")
    assert table["verdict"] == "fail"
    assert table["reasons"] == ["drill slow: it should end with rolls-back, and ended with completes"]


def test_one_that_cannot_be_rehearsed_leaves_the_others(tmp_path: Path) -> None:
    def rehearse(drill: Drill, _: Path) -> dict[str, Any]:
        if drill.name == "slow":
            raise StageError("Envoy ended with code 1")
        return finished("rolls-back", kept_idle=True)

    table = rehearse_all(rehearse, tmp_path, repeat="")
    assert table["reasons"] == ["drill slow: Envoy ended with code 1"]
    [row_of_it] = [entry for entry in table["drills"] if entry["name"] == "slow"]
    assert (row_of_it["outcome"], row_of_it["as_expected"]) == ("could not be rehearsed", False)
    assert sum(entry["as_expected"] is True for entry in table["drills"]) == len(all_drills()) - 1
