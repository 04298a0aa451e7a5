"""Whole drills of the example: what a rule decides, and a fault that no group's alarm can see."""

import json

import pytest

from .conftest import Rehearse

pytestmark = [pytest.mark.slow, pytest.mark.alone]


@pytest.mark.parametrize(
    ("drill", "outcome", "why"),
    [
        ("crash-loop", "rolls-back", "green's tasks keep dying: "),
        ("breaks-blue", "refused", "drop"),
        ("migration-killed", "completes", ""),
    ],
)
def test_a_rule_decides(rehearse: Rehearse, drill: str, outcome: str, why: str) -> None:
    done = rehearse(drill=drill, speed=240, rows=20000)
    report = done.report
    assert report["outcome"]["kind"] == outcome, done.stderr + json.dumps(report["reasons"])
    assert why in report["outcome"]["why"]
    assert report["expectation"]["outcome"] == outcome
    assert report["requests"]["failed"] == 0
    assert (report["data"]["divergent"], report["not_performed"]) == (0, [])
    assert report["data"]["rows_checked"] >= 20000
    assert done.exit_code == (0 if outcome == "completes" else 1)


def test_closed_connections_are_the_load_balancers_errors(rehearse: Rehearse) -> None:
    report = rehearse(drill="closes-connections", speed=120).report
    assert report["outcome"]["kind"] == report["expectation"]["outcome"] == "rolls-back"
    assert "LoadBalancer5xx" in report["outcome"]["why"]
    blind = {alarm["name"]: alarm["cannot_see"] for alarm in report["alarms"] if "Green5xxRate" in alarm["name"]}
    assert all(blind.values()), blind
    assert report["unexplained_failures"] == 0
    assert report["requests"]["failed"] > 0
    assert report["shift"]["last_green_after_decision_s"] <= 1
