"""The workflows for GitHub Actions: what they may, what they call, and their plain command over a pull request of the example."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.assemblies import ROOT
from tests.rehearsal.repositories import git, trees

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


def load(path: Path) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    return workflow


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in load(path)["jobs"].values() for step in job.get("steps", [])]


def step(name: str) -> dict[str, Any]:
    (found,) = [step for step in steps(FOLDER / "rehearse.yml") if step["name"] == name]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_that_a_pull_request_may_choose_is_pasted_into_a_script(path: Path) -> None:
    assert not [step["name"] for step in steps(path) if EXPRESSION.search(step.get("run", ""))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_github_s_own_and_has_a_version(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert [name for name in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", name)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_script_is_bash_without_a_fault(path: Path) -> None:
    for name, script in ((step["name"], step["run"]) for step in steps(path) if "run" in step):
        checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert checked.stderr == "", name


def test_the_job_that_runs_a_pull_request_s_code_may_only_read() -> None:
    workflow = load(FOLDER / "rehearse.yml")
    assert workflow["jobs"]["rehearse"]["permissions"] == {"contents": "read"}
    assert step("Check out, with the base branch")["with"]["persist-credentials"] is False
    # The other one runs none of it, and only where it is wanted.
    assert "inputs.comment" in workflow["jobs"]["comment"]["if"]
    assert not [item for item in workflow["jobs"]["comment"]["steps"] if "checkout" in item.get("uses", "")]


def test_every_input_is_used_and_every_used_one_is_an_input() -> None:
    text = (FOLDER / "rehearse.yml").read_text()
    # YAML 1.1, as it is read here, takes the word `on` for true.
    inputs = load(FOLDER / "rehearse.yml")[True]["workflow_call"]["inputs"]
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == inputs.keys()
    given = load(FOLDER / "pull-request.yml")["jobs"]["rehearse"]["with"]
    assert given.keys() <= inputs.keys()
    assert (ROOT / given["config"]).is_file()
    assert given["setup"].endswith("&& make setup")
    subprocess.run(["make", "--dry-run", "setup"], cwd=ROOT, check=True, capture_output=True)


def test_the_set_up_runs_the_caller_s_command_and_puts_its_programs_on_path(tmp_path: Path) -> None:
    item = step("Set up the packages")
    assert item["env"].keys() == {"SETUP"}
    environment = os.environ | {"SETUP": "false; touch too-late", "GITHUB_PATH": str(tmp_path / "path")}
    bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", item["run"]]
    assert subprocess.run(bash, cwd=tmp_path, env=environment, check=False).returncode != 0
    assert not (tmp_path / "too-late").exists()
    subprocess.run(bash, cwd=tmp_path, env=environment | {"SETUP": "touch made"}, check=True)
    assert (tmp_path / "made").exists()
    assert (tmp_path / "path").read_text().split() == [f"{tmp_path}/.venv/bin", f"{tmp_path}/node_modules/.bin"]


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """A repository of the example alone: its branch `main` deploys v1, and the branch that is checked out v2."""
    root = tmp_path / "repository"
    shutil.copytree(ROOT / "service", root / "service", ignore=shutil.ignore_patterns("__pycache__", "rds-ca.pem"))
    shutil.copytree(ROOT / "stacks", root / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", root)
    # What the cdk command line does, but for the Lambda's dependencies.
    script = root / "tools" / "synth-checkout"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nCDK_OUTDIR=$1 CDK_CONTEXT_JSON=$(cat context.json) exec python app.py\n")
    script.chmod(0o755)
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"aws:cdk:bundling-stacks": []}
    git(root, "init", "--quiet", "--initial-branch", "main")
    for branch, release in (("main", "v1"), ("change", "v2")):
        if branch != "main":
            git(root, "checkout", "--quiet", "-b", branch)
        (root / "context.json").write_text(json.dumps(context | {"release": release}))
        git(root, "add", ".")
        git(root, "commit", "--quiet", "-m", release)
    return root


def rehearse(repository: Path, summary: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the workflow's own step, with an environment that differs from its expressions' values only by `environment`."""
    item = step("Rehearse")
    given = {"CONFIG": "service/rehearsal.toml", "BASE": "main", "SPEED": "240", "RATE": ""} | environment
    assert given.keys() == item["env"].keys()
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", item["run"]],
        cwd=repository,
        env=os.environ | given | {"PATH": programs, "GITHUB_STEP_SUMMARY": str(summary)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.alone
def test_a_pull_request_s_release_is_rehearsed_against_the_main_branch_s(pull_request: Path, tmp_path: Path) -> None:
    config = pull_request / "service" / "rehearsal.toml"
    config.write_text(config.read_text().replace("rows = 100000", "rows = 5000"))
    done = rehearse(pull_request, tmp_path / "summary", RATE="100")
    report = json.loads((pull_request / "build" / "rehearsal" / "report.json").read_text())
    assert done.returncode == 0, done.stderr + json.dumps(report["reasons"])
    assert report["verdict"] == "pass"
    assert report["rate"] == 100
    assert report["migration"]["revisions"] == ["0002", "0003"]
    assert "--base main" in report["repeat"]
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("## ✅")
    assert summary == (pull_request / "build" / "rehearsal" / "summary.md").read_text()
    assert trees(pull_request) == 1
    assert git(pull_request, "status", "--porcelain", "--untracked-files=no") == "M service/rehearsal.toml"


@pytest.mark.slow
def test_a_release_that_cannot_be_rehearsed_ends_with_2_and_says_why_in_the_summary(
    pull_request: Path, tmp_path: Path
) -> None:
    done = rehearse(pull_request, tmp_path / "summary", BASE="origin/main")
    assert done.returncode == 2
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith("## ⚠️ The release could not be rehearsed")
    assert "revision 'origin/main' is not in the repository" in summary
    assert "fetch" in done.stderr
