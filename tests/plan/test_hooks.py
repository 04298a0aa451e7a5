"""The hooks of a deployment, read from the template: the smoke test with its steps, and what only AWS can run."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seachange.assembly import Assembly
from seachange.plan.errors import PlanError
from seachange.plan.model import Plan
from seachange.plan.template import read_plan
from seachange.rehearsal.drills import NONE
from seachange.rehearsal.not_rehearsed import not_rehearsed
from seachange.rehearsal.options import Options
from seachange.rehearsal.outcome import Outcome
from seachange_deployments.steps import STEPS_FILE, steps_from
from tests.assemblies import ROOT

pytestmark = pytest.mark.slow

Edited = Callable[[Callable[[dict[str, Any]], None]], Path]


def plan_of(blue: Path, green: Path) -> Plan:
    return read_plan(Assembly.load(blue), Assembly.load(green))


def left_out(plan: Plan, tmp_path: Path) -> str:
    options = Options(speed=60, rate=1, rows=1, port=None, drill=NONE, logs=tmp_path)
    return "\n".join(not_rehearsed(plan, options, Outcome()))


@pytest.fixture
def edited(green: Path, tmp_path: Path) -> Edited:
    """A copy of green's assembly whose deployment resource has other properties."""

    def copy(change: Callable[[dict[str, Any]], None]) -> Path:
        folder = tmp_path / "edited"
        shutil.copytree(green, folder)
        template = folder / "customers-dev.template.json"
        content = json.loads(template.read_text())
        [deployment] = [r for r in content["Resources"].values() if r["Type"] == "Custom::SeaChangeDeployment"]
        change(deployment["Properties"])
        template.write_text(json.dumps(content))
        return folder

    return copy


def test_the_steps_are_those_of_the_releases_smoke_test(blue: Path, green: Path, tmp_path: Path) -> None:
    plan = plan_of(blue, green)
    written = tomllib.loads((ROOT / "service" / "smoke.toml").read_text())["steps"]
    assert plan.smoke is not None
    assert plan.smoke.steps == steps_from(written)
    assert plan.smoke.host is None
    assert plan.smoke.limit_s == 270
    assert plan.hooks == ()
    assert "the smoke test's Lambda function" in left_out(plan, tmp_path)


def test_a_release_without_a_smoke_test(blue: Path, edited: Edited, tmp_path: Path) -> None:
    plan = plan_of(blue, edited(lambda properties: properties.pop("Hooks")))
    assert plan.smoke is None
    assert "smoke tests: the release has none" in left_out(plan, tmp_path)


def test_hooks_of_the_users_own_are_listed(blue: Path, edited: Edited, tmp_path: Path) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:gate"
    own = {"AfterAllowTestTraffic": arn, "BeforeAllowTraffic": {"Fn::ImportValue": "Gate"}}
    plan = plan_of(blue, edited(lambda properties: properties.update(Hooks=own)))
    assert plan.smoke is None
    text = left_out(plan, tmp_path)
    assert f'hook at AfterAllowTestTraffic: "{arn}": it can do anything' in text
    assert 'hook at BeforeAllowTraffic: {"Fn::ImportValue": "Gate"}: it can do anything' in text


def test_an_asset_without_usable_steps(blue: Path, green: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(green, broken)
    [steps] = broken.glob(f"asset.*/{STEPS_FILE}")
    steps.write_text('[{"name": "read"}]')
    with pytest.raises(PlanError, match=r"customers-dev/.*: Smoke step 1 \(read\): key 'path' must be given"):
        plan_of(blue, broken)
