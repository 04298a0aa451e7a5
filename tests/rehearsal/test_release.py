"""Whole rehearsals of the example: a good release, a bad one, and a bad one under a laxer alarm."""

import json
import shutil
from pathlib import Path

import pytest

from tests.assemblies import ROOT, synthesize
from tests.rehearsal.promised import missing

from .conftest import Rehearse

pytestmark = [pytest.mark.slow, pytest.mark.alone]


def test_a_good_release_loses_nothing(rehearse: Rehearse, green: Path, tmp_path: Path) -> None:
    # The asset holds packages for the Lambda's platform: none of them may be imported here.
    packaged = tmp_path / "green"
    shutil.copytree(green, packaged)
    for directory in packaged.glob("asset.*/seachange_migrations"):
        (directory / "__init__.py").write_text("raise ImportError('the asset is for another platform')")
        (directory.parent / "psycopg.py").write_text("raise ImportError('the asset is for another platform')")
    done = rehearse(format="json", green=packaged)
    report = done.report
    assert done.exit_code == 0, done.stderr + json.dumps(report["reasons"])
    assert json.loads(done.stdout) == report
    assert report["schema"] == "seachange.rehearsal/1"
    assert missing(report) == []
    assert report["verdict"] == "pass"
    assert report["requests"]["failed"] == 0
    assert report["requests"]["total"] >= 5000
    assert sum(report["requests"]["by_colour"].values()) == report["requests"]["total"]
    assert [step["green_weight"] for step in report["shift"]["steps"]] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    for step, planned in zip(report["shift"]["steps"], report["shift"]["planned"], strict=True):
        assert step["at_s"] == pytest.approx(planned["at_s"], abs=60)
        assert step["green_percent_measured"] == pytest.approx(planned["green_weight"], abs=12)
    assert report["data"]["divergent"] == 0
    assert report["data"]["rows_checked"] > 5000
    assert report["migration"]["revisions"] == ["0002", "0003"]
    assert report["migration"]["rows_backfilled"] > 1000
    assert not report["rolled_back"]
    assert {alarm["name"] for alarm in report["alarms"] if alarm["decisive"]}
    assert all(alarm["periods_evaluated"] > 40 and not alarm["fired"] for alarm in report["alarms"])
    assert [step["name"] for step in report["smoke"]][1] == "create with a structured address"
    assert all(step["problem"] is None for step in report["smoke"])
    page = (done.out / "report.html").read_text()
    assert "This release passed" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_errors_in_green_are_rolled_back_by_the_templates_alarm(rehearse: Rehearse) -> None:
    done = rehearse(drill="errors-5", speed=240)
    report = done.report
    assert done.exit_code == 1
    assert report["verdict"] == "fail"
    assert report["rolled_back"]
    assert any("Green5xxRate" in reason for reason in report["reasons"])
    assert [step["green_weight"] for step in report["shift"]["steps"]][-1] == 0
    assert report["data"]["divergent"] == 0
    assert "rolled back by alarm" in " ".join(done.stdout.split())


def test_another_threshold_and_plan_in_the_app_are_another_outcome(rehearse: Rehearse, tmp_path: Path) -> None:
    app = tmp_path / "app"
    shutil.copytree(ROOT / "stacks", app / "stacks")
    shutil.copy(ROOT / "app.py", app)
    (app / "service").symlink_to(ROOT / "service")
    stack = app / "stacks" / "service.py"
    source = stack.read_text()
    assert "load_balancer=load_balancer,\n" in source
    stack.write_text(
        source.replace(
            "load_balancer=load_balancer,\n",
            "load_balancer=load_balancer,\n            thresholds=ReleaseThresholds(error_percent=60, comparison_error_percent=60),\n"
            "            traffic_shift=TrafficShift.canary(percent=40, interval=Duration.minutes(10)),\n",
        )
        .replace("from seachange import (\n", "from seachange import (\n    ReleaseThresholds,\n    TrafficShift,\n")
        .replace("from aws_cdk import CfnOutput,", "from aws_cdk import Duration, CfnOutput,")
    )
    report = rehearse(drill="errors-5", speed=240, green=synthesize(app, "v2", tmp_path / "green")).report
    assert not report["rolled_back"]
    assert [step["green_weight"] for step in report["shift"]["steps"]] == [40, 100]
    assert report["verdict"] == "fail"
    assert any("requests failed" in reason for reason in report["reasons"])
