"""The throwaway app: what it would put on AWS."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from tools.aws_acceptance.checks import container_port
from tools.aws_acceptance.dry.base import OUTPUTS
from tools.aws_acceptance.names import Names
from tools.aws_acceptance.throwaway import __main__ as app
from tools.aws_acceptance.throwaway import plain

ROOT = Path(__file__).parents[2]
NAMES = Names.of("seachange-try-a1b2c3")
FLAGS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]

Template = dict[str, dict[str, Any]]

pytestmark = pytest.mark.slow


def templates(folder: Path, **context: str) -> dict[str, Template]:
    """The templates by stack."""
    made = cdk.App(outdir=str(folder), context={**FLAGS, "aws:cdk:bundling-stacks": [], "name": NAMES.plain, **context})
    app.make(made)
    made.synth()
    return {name: json.loads((folder / f"{name}.template.json").read_text("utf-8")) for name in NAMES.all}


def one(template: Template, resource_type: str) -> dict[str, Any]:
    [found] = [body for body in template["Resources"].values() if body["Type"] == resource_type]
    body: dict[str, Any] = found
    return body


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    return templates(tmp_path_factory.mktemp("baseline"))


def test_the_outputs_are_those_that_the_checks_read(baseline: dict[str, Template]) -> None:
    assert {f"Out{name}" for name in OUTPUTS} == {*baseline[NAMES.plain]["Outputs"]}
    assert {*baseline[NAMES.database]["Outputs"]} < {f"Out{name}" for name in OUTPUTS}
    assert plain.OTHER_PORT == container_port.OTHER_PORT


def test_nothing_keeps_what_it_need_not(baseline: dict[str, Template]) -> None:
    database = one(baseline[NAMES.database], "AWS::RDS::DBInstance")
    assert database["DeletionPolicy"] == "Delete"
    assert database["Properties"]["DeletionProtection"] is False
    assert database["Properties"]["DBInstanceClass"] == "db.t4g.micro"
    # What the library retains is found again by its name, and so must have none of its own.
    retained = [
        body
        for template in baseline.values()
        for body in template["Resources"].values()
        if body.get("DeletionPolicy") in ("Retain", "Snapshot", "RetainExceptOnCreate")
    ]
    assert {body["Type"] for body in retained} <= {"AWS::Logs::LogGroup", "AWS::ECS::TaskDefinition", "AWS::S3::Bucket"}
    assert not any({"BucketName", "LogGroupName"} & {*body.get("Properties", {})} for body in retained)
    for name in (NAMES.plain, NAMES.database):
        assert one(baseline[name], "AWS::ECS::TaskDefinition")["Properties"]["Family"].startswith(name)


@pytest.mark.parametrize("change", ["tag", "group-description", "depends-on"])
def test_each_change_changes_that_alone(change: str, baseline: dict[str, Template], tmp_path: Path) -> None:
    before, after = baseline[NAMES.plain]["Resources"], templates(tmp_path, change=change)[NAMES.plain]["Resources"]
    assert {*before} == {*after}
    changed = {
        name: body["Type"]
        for name, body in before.items()
        # The deployment waits for whatever nothing else waits for, and so no longer for the bystander itself.
        if body != after[name] and (body["Type"], change) != ("Custom::SeaChangeDeployment", "depends-on")
    }
    [(name, kind)] = changed.items()
    if change == "group-description":
        assert kind == "AWS::EC2::SecurityGroup"
        assert before[name]["Properties"]["GroupDescription"] != after[name]["Properties"]["GroupDescription"]
    else:
        assert kind == "AWS::ECS::Service"
        key = "DependsOn" if change == "depends-on" else "Properties"
        assert before[name][key] != after[name][key]


def test_a_release_changes_the_task_definition_and_the_migrations(
    baseline: dict[str, Template], tmp_path: Path
) -> None:
    after = templates(tmp_path, release="v2")
    for stack, expected in (
        (NAMES.plain, set()),
        (NAMES.database, {"Custom::SeaChangeMigrations"}),
        (NAMES.first, None),
    ):
        was, now = baseline[stack]["Resources"], after[stack]["Resources"]
        changed = {was[name]["Type"] for name in was if was[name] != now.get(name)}
        if expected is None:
            assert not changed
        else:
            assert {"AWS::ECS::TaskDefinition", *expected} <= changed
            assert "AWS::ECS::Service" not in changed


def test_the_sibling_fails_beside_the_service_not_before_or_after(baseline: dict[str, Template]) -> None:
    resources = baseline[NAMES.first]["Resources"]
    sibling = one(baseline[NAMES.first], "AWS::CloudFormation::WaitCondition")
    assert "DependsOn" not in sibling
    waits = {name for name, body in resources.items() if body["Type"].startswith("AWS::CloudFormation::Wait")}
    assert not waits & {*one(baseline[NAMES.first], "AWS::ECS::Service")["DependsOn"]}


def test_it_synthesizes_strictly_and_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    context = {**FLAGS, "aws:cdk:bundling-stacks": [], "name": NAMES.plain}
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"}
    environment |= {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path)}
    assert FLAGS["@aws-cdk/core:validateAgainstDefaultRules"] is True
    command = [sys.executable, "-m", "tools.aws_acceptance.throwaway"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = sorted(str(path) for path in tmp_path.glob("*.template.json"))
    assert len(found) == len(NAMES.all)
    program = Path(sys.executable).with_name("cfn-lint")
    lint = subprocess.run([program, *found], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
