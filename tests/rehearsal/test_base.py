"""A pull request's two releases, synthesized: the base revision in a checkout of its own, the working tree where it lies."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from seachange.rehearsal.base import post, served_by, synthesized
from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.errors import ConfigError, StageError
from tests.rehearsal.repositories import git, trees

CONFIG = """
[service]
start = ["python"]
{service}
[synth]
command = {command}
[seed]
sql = "seed.sql"
rows = 10
[load]
rate = 10
[[load.requests]]
weight = 1
method = "GET"
path = "/"
expect = [200]
[views]
blue = "SELECT 1"
green = "SELECT 1"
"""
# An app: its folder, and what it says, become the assembly.
APP = """
import os, pathlib, sys
out = pathlib.Path(sys.argv[1])
out.mkdir()
(out / "manifest.json").write_text("{}")
(out / "release").write_text(f"{pathlib.Path('release').read_text()} {os.environ.get('GIT_DIR')} {sys.executable}")
"""
SYNTH = '["python", "app.py", "{{out}}"]'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with an app in a folder: release 1 committed, 2 in the working tree."""
    root = tmp_path / "repository"
    app = root / "apps" / "shop"
    app.mkdir(parents=True)
    (app / "app.py").write_text(APP)
    (app / "release").write_text("1")
    (app / "seed.sql").write_text("")
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "one")
    (app / "release").write_text("2")
    return root


def settings(repository: Path, *, command: str = SYNTH, service: str = "") -> RehearsalConfig:
    path = repository / "apps" / "shop" / "rehearsal.toml"
    path.write_text(CONFIG.format(command=command, service=service))
    return RehearsalConfig.load(path)


def test_blue_is_the_revision_and_green_the_working_tree(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/of/a/hook")
    with synthesized(settings(repository), "main") as assemblies:
        said = [(folder / "release").read_text().split() for folder in (assemblies.blue, assemblies.green)]
    # Without a hook's variables, and with this Python environment's programs first.
    assert said == [["1", "None", sys.executable], ["2", "None", sys.executable]]
    assert not assemblies.blue.exists()
    assert not assemblies.green.exists()
    monkeypatch.delenv("GIT_DIR")
    assert trees(repository) == 1


@pytest.mark.parametrize("own", ["", '[blue]\nrevision = "v1"\n'])
def test_blues_code_is_the_revisions_whatever_the_file_says(repository: Path, own: str) -> None:
    before = settings(repository, service=own)
    after = served_by(before, "main")
    assert (after.blue.revision, after.green.revision) == ("main", None)
    assert replace(after, blue=before.blue) == before


def test_a_program_that_is_a_path_counts_from_the_file_as_the_revision_may_not_have_it(repository: Path) -> None:
    script = repository / "synth"
    script.write_text('#!/bin/sh\nexec python app.py "$1"\n')
    script.chmod(0o755)
    with synthesized(settings(repository, command='["../../synth", "{{out}}"]'), "main") as assemblies:
        assert (assemblies.blue / "release").read_text().startswith("1 ")


@pytest.mark.parametrize(
    ("changes", "base", "said"),
    [
        ({"service": 'revision = "main"'}, "main", "says that green is revision main"),
        ({"service": 'image = "shop:1"'}, "main", "says that blue is image shop:1"),
        ({}, "nowhere", "revision 'nowhere' is not in the repository"),
    ],
)
def test_what_cannot_be_compared_is_refused(repository: Path, changes: dict[str, str], base: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said), synthesized(settings(repository, **changes), base):
        pytest.fail("synthesized all the same")
    assert trees(repository) == 1


def test_a_file_without_synth_gets_the_words_that_it_lacks(repository: Path) -> None:
    without = replace(settings(repository), synth=None)
    with pytest.raises(ConfigError, match=r"add \[synth\] with a command such as"), synthesized(without, "main"):
        pytest.fail("synthesized all the same")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('["python", "-c", "raise SystemExit(\'no VPC\')", "{{out}}"]', "failed with code 1: no VPC"),
        (
            '["python", "-c", "pass", "{{out}}"]',
            "revision main wrote no cloud assembly; the .* must write it to {{out}}",
        ),
        ('["no-such-program", "{{out}}"]', "synthesizing revision main does not start: No such file or directory"),
    ],
)
def test_a_command_that_gives_no_assembly_is_told_by_its_last_lines(repository: Path, command: str, said: str) -> None:
    with pytest.raises(StageError, match=said), synthesized(settings(repository, command=command), "main"):
        pytest.fail("synthesized all the same")
    assert trees(repository) == 1


def test_a_command_must_say_where_the_assembly_goes(repository: Path) -> None:
    with pytest.raises(ConfigError, match=r"synth.command` must be a list of texts with {{out}} in one of them"):
        settings(repository, command='["cdk", "synth"]')


def is_alive_in(process: psutil.Process, group: int) -> bool:
    """Whether a process of a group runs still; one that has ended may wait for whoever inherited it."""
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@pytest.mark.slow
def test_an_interrupt_leaves_no_process_and_no_checkout(repository: Path, tmp_path: Path) -> None:
    settings(repository, command='["sh", "-c", "echo $$ >> pids; sleep 60; true", "{{out}}"]')
    place = repository / "apps" / "shop"
    program = (
        "import sys; from pathlib import Path; from seachange.rehearsal.base import synthesized; "
        "from seachange.rehearsal.config import RehearsalConfig\n"
        "with synthesized(RehearsalConfig.load(Path(sys.argv[1])), 'main'): pass"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-c", program, place / "rehearsal.toml"], env=environment, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 20
    while not (place / "pids").exists() or trees(repository) == 1:
        assert time.monotonic() < end
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    assert running.wait(20) != 0
    assert [
        process for process in psutil.process_iter() if is_alive_in(process, int((place / "pids").read_text()))
    ] == []
    assert trees(repository) == 1
    assert list(tmp_path.glob("seachange-base-*")) == []


def test_a_summary_is_added_where_a_step_has_one_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    post("## passed\n\n")
    assert summary.read_text() == "before\n## passed\n"
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    post("## passed")
    assert summary.read_text() == "before\n## passed\n"
    assert capsys.readouterr().out == ""
