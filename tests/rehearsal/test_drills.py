"""Whole drills of the example: what a rule decides, and a fault that no group's alarm can see."""

import json
import shutil
from pathlib import Path

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


def test_sticky_clients_stay_with_blue_to_its_end(rehearse: Rehearse, blue: Path, green: Path, tmp_path: Path) -> None:
    sticky = {"blue": _sticky(blue, tmp_path / "blue"), "green": _sticky(green, tmp_path / "green")}
    report = rehearse(drill="sticky", rate=60, **sticky).report
    assert report["outcome"]["kind"] == report["expectation"]["outcome"] == "completes"
    # Every client had its cookie from blue before the shift: the weights moved nobody, and blue's end left them without a target.
    assert report["requests"]["by_colour"]["green"] == 0
    assert report["unexplained_failures"] == report["requests"]["failed"] > 0
    assert any("stickiness of target groups outranks the weights" in reason for reason in report["reasons"])
    assert report["data"]["divergent"] == 0


def _sticky(assembly: Path, copy: Path) -> Path:
    """The assembly with sticky target groups behind its production listener."""
    shutil.copytree(assembly, copy)
    path = copy / "customers-dev.template.json"
    template = json.loads(path.read_text("utf-8"))
    resources = template["Resources"]
    groups = [name for name, one in resources.items() if one["Type"] == "AWS::ElasticLoadBalancingV2::TargetGroup"]
    weighted = [{"TargetGroupArn": {"Ref": name}, "Weight": int("Blue" in name)} for name in groups]
    stickiness = {"Enabled": True, "DurationSeconds": 600}
    [listener] = [
        one
        for name, one in resources.items()
        if one["Type"] == "AWS::ElasticLoadBalancingV2::Listener" and "Production" in name
    ]
    listener["Properties"]["DefaultActions"] = [
        {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted, "TargetGroupStickinessConfig": stickiness}}
    ]
    path.write_text(json.dumps(template), "utf-8")
    return copy
