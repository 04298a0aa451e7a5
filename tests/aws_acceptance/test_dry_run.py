"""A whole run with scripted answers: every check can come to every verdict, and every call fits AWS's service models."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tools.aws_acceptance.aws import Aws
from tools.aws_acceptance.check import Verdict
from tools.aws_acceptance.checks import CHECKS
from tools.aws_acceptance.dry.base import BASE
from tools.aws_acceptance.dry.rehearse import QuickClock, new_world, rehearse
from tools.aws_acceptance.dry.shapes import WrongShapeError
from tools.aws_acceptance.dry.world import ACCOUNT

EXIT = {Verdict.CONFIRMED: 0, Verdict.REFUTED: 1, Verdict.UNKNOWN: 1}


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dry-run/evidence.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("verdict", Verdict)
def test_every_check_comes_to_every_verdict(verdict: Verdict, tmp_path: Path) -> None:
    said: list[str] = []
    code = rehearse(CHECKS, tmp_path, verdicts={check.id: verdict for check in CHECKS}, say=said.append)
    found = report(tmp_path)
    assert {one["id"]: one["verdict"] for one in found["checks"]} == {check.id: verdict for check in CHECKS}
    assert code == EXIT[verdict]
    assert found["left"] == []
    # Each has what it rests on, and said what it did.
    assert all(one["because"] and one["evidence"] for one in found["checks"])
    for check in CHECKS:
        assert any(check.id in line and check.does in line for line in said)


def test_one_refuted_fact_is_enough_for_exit_code_1(tmp_path: Path) -> None:
    verdicts = {CHECKS[-1].id: Verdict.REFUTED}
    assert rehearse(CHECKS[-1:], tmp_path, verdicts=verdicts, say=lambda _: None) == 1


def test_the_evidence_says_when_and_masks_the_account(tmp_path: Path) -> None:
    log = tmp_path / "dry-run/cdk-01-stack.log"
    log.parent.mkdir()
    log.write_text(f"arn:aws:iam::{ACCOUNT}:role/cdk", "utf-8")
    rehearse(CHECKS[:1], tmp_path, say=lambda _: None)
    assert log.read_text("utf-8") == "arn:aws:iam::************:role/cdk"
    found = report(tmp_path)
    assert found["schema"] == "seachange.aws-acceptance/1"
    [check] = found["checks"]
    assert check["started"] < check["ended"]
    assert check["evidence"][0]["at"].startswith("2026-01-01T")
    for name in ("evidence.json", "evidence.md"):
        text = (tmp_path / "dry-run" / name).read_text("utf-8")
        assert ACCOUNT not in text
        assert "arn:aws:ecs:eu-west-1:************:task-definition/plain:1" in text or name.endswith("md")
    assert (tmp_path / "dry-run/evidence.md").read_text("utf-8").startswith("# Dry run, scripted answers")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"Account": 1}, "Invalid type for parameter Account"),
        ({"AccountNumber": "1"}, "Unknown parameter in input"),
    ],
)
def test_an_answer_that_aws_cannot_give_is_refused(answer: dict[str, Any], problem: str) -> None:
    world = new_world(QuickClock(), lambda _: None)
    world.base = {**BASE, "sts.GetCallerIdentity": lambda _world, _request: answer}
    with pytest.raises(Exception, match=problem):
        Aws(world.client).call("sts.get_caller_identity")


def test_a_value_outside_an_enum_is_refused_both_ways() -> None:
    world = new_world(QuickClock(), lambda _: None)
    aws = Aws(world.client)
    with pytest.raises(WrongShapeError, match="'FIRING' is none of OK, ALARM, INSUFFICIENT_DATA"):
        aws.call("cloudwatch.set_alarm_state", AlarmName="lever", StateValue="FIRING", StateReason="test")
    world.base = {**BASE, "codedeploy.StopDeployment": lambda _world, _request: {"status": "Done"}}
    with pytest.raises(WrongShapeError, match="'Done' is none of Pending, Succeeded"):
        aws.call("codedeploy.stop_deployment", deploymentId="d-1")


def test_an_error_in_a_check_costs_that_check_alone(tmp_path: Path) -> None:
    def broken(_stage: object) -> Any:
        raise KeyError("oops")

    first = dataclasses.replace(CHECKS[0], run=broken)
    assert rehearse([first, CHECKS[1]], tmp_path, say=lambda _: None) == 1
    one, two = report(tmp_path)["checks"]
    assert (one["verdict"], two["verdict"]) == ("unknown", "confirmed")
    assert "KeyError('oops')" in one["because"]
