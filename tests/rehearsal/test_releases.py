"""A release made ready: a directory, a git revision, an image."""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from seachange.rehearsal.config import Source
from seachange.rehearsal.errors import ConfigError, StageError
from seachange.rehearsal.releases import checked_out, prepared
from seachange.rehearsal.stage.process import ChildProcess
from tests.rehearsal.repositories import git, trees

SAY = "import os, sys; print(sys.argv[1], os.getcwd(), os.environ.get('OWN'), os.environ.get('SHELL_S'), flush=True)"


def source(directory: Path, **changes: object) -> Source:
    keys: dict[str, object] = {"start": ("python", "-c", SAY, "{{port}}"), "environment": {}} | changes
    return Source(directory=directory, **keys)  # type: ignore[arg-type]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a service in a folder, tagged `v1`, changed in a second commit and again in the working tree."""
    root = tmp_path / "repository"
    service = root / "services" / "shop"
    service.mkdir(parents=True)
    git(root, "init", "--quiet", "--initial-branch", "main")
    (root / "README").write_text("")
    git(root, "add", "README")
    git(root, "commit", "--quiet", "-m", "nothing yet")
    git(root, "tag", "empty")
    (service / "release").write_text("1")
    git(root, "add", "services")
    git(root, "commit", "--quiet", "-m", "one")
    git(root, "tag", "v1")
    (service / "release").write_text("2")
    git(root, "commit", "--quiet", "-a", "-m", "two")
    (service / "release").write_text("3, not committed")
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    return root


def test_a_directory_is_taken_as_it_is(repository: Path, tmp_path: Path) -> None:
    service = repository / "services" / "shop"
    with checked_out(source(service), tmp_path) as directory:
        assert directory == service


@pytest.mark.parametrize(("revision", "content"), [("v1", "1"), ("main", "2"), ("HEAD~1", "1")])
def test_a_revision_is_checked_out_and_goes_again(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str, content: str
) -> None:
    # As in a hook of another repository's.
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    work = tmp_path / "work"
    work.mkdir()
    with checked_out(source(repository / "services" / "shop", revision=revision), work) as directory:
        assert (directory / "release").read_text() == content
        assert work in directory.parents
        monkeypatch.delenv("GIT_DIR")
        assert trees(repository) == 2
    assert list(work.iterdir()) == []
    assert trees(repository) == 1
    assert (repository / "services" / "shop" / "release").read_text() == "3, not committed"


def test_a_revision_goes_whatever_ends_the_rehearsal(repository: Path, tmp_path: Path) -> None:
    service = source(repository / "services" / "shop", revision="v1")

    def interrupted() -> None:
        with checked_out(service, tmp_path) as directory:
            (directory / "made-by-a-task").write_text("")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert trees(repository) == 1
    assert not list(tmp_path.glob("revision-*"))


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("v9", r"revision 'v9' is not in the repository .*; fetch it, or name another one"),
        ("--help", r"revision '--help' is not in the repository"),
        ("empty", r"revision 'empty' has no directory services/shop"),
    ],
)
def test_a_revision_that_cannot_be(repository: Path, tmp_path: Path, revision: str, said: str) -> None:
    service = source(repository / "services" / "shop", revision=revision)
    with pytest.raises(ConfigError, match=said), checked_out(service, tmp_path):
        pass
    assert trees(repository) == 1


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    service = source(tmp_path, revision="v1")
    with (
        pytest.raises(ConfigError, match=r"git rev-parse in .* failed: .*not a git repository"),
        checked_out(service, tmp_path),
    ):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StageError, match=r"git is not on PATH.*install git"), checked_out(service, tmp_path):
        pass


Environment = Mapping[str, str]


def printed(process: ChildProcess, *, until: Callable[[str], bool] = bool) -> str:
    deadline = time.monotonic() + 20
    while not until(text := process.log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return text


def test_a_process_gets_its_port_its_directory_and_both_environments(tmp_path: Path) -> None:
    with prepared(source(tmp_path), tmp_path) as release:
        task = release.start(
            "blue-1", 8123, environment={"OWN": "a"}, inherited={"SHELL_S": "b", **os.environ}, log=tmp_path / "log"
        )
        assert task.wait(20) == 0
    assert task.log.read_text().split() == ["8123", str(tmp_path), "a", "b"]


def test_a_program_of_the_revisions_own(repository: Path, tmp_path: Path) -> None:
    service = repository / "services" / "shop"
    (service / "serve").write_text("#!/bin/sh\necho served at $1\n")
    (service / "serve").chmod(0o755)
    git(repository, "add", "services")
    git(repository, "commit", "--quiet", "-m", "three")
    (service / "serve").unlink()
    with prepared(source(service, revision="main", start=("./serve", "{{port}}")), tmp_path) as release:
        task = release.start("blue-1", 8123, environment={}, inherited=os.environ, log=tmp_path / "log")
        assert task.wait(20) == 0
    assert task.log.read_text() == "served at 8123\n"
    with (
        pytest.raises(ConfigError, match=r"'\./serve' is neither"),
        prepared(source(service, revision="v1", start=("./serve",)), tmp_path),
    ):
        pass


# No engine runs in every place where these tests do. This stands in for its client: a container is a process that outlives it.
ENGINE = """#!{python}
import os, pathlib, signal, subprocess, sys

state = pathlib.Path({state!r})
asked = sys.argv[1:]
with (state / "asked").open("a") as log:
    log.write(" ".join(asked) + "\\n")
if asked[0] == "run":
    options = {{}}
    words = iter(asked[1:])
    for word in words:
        if word == "--rm":
            continue
        if not word.startswith("--"):
            image = word
            break
        options.setdefault(word, []).append(next(words))
    command = list(words) or ["python", "-c", "import time; print('own', flush=True); time.sleep(60)"]
    passed = {{name: os.environ[name] for name in options["--env"]}}
    container = state / options["--name"][0]
    process = subprocess.Popen([{python!r}, *command[1:]], env=passed, start_new_session=True)
    container.with_suffix(".container").write_text(f"{{process.pid}} {{options['--label'][0]}}")
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    container.with_suffix(".container").unlink(missing_ok=True)
    sys.exit(code if code >= 0 else 128 - code)
elif asked[0] == "rm":
    for name in asked[2:]:
        container = (state / name).with_suffix(".container")
        if container.exists():
            os.kill(int(container.read_text().split()[0]), signal.SIGKILL)
            container.unlink()
elif asked[0] == "ps":
    label = asked[-1].removeprefix("label=")
    for container in state.glob("*.container"):
        if container.read_text().split()[1] == label:
            print(container.stem)
elif asked[0] == "image":
    sys.exit(0 if asked[2] == "shop:1" else 1)
elif asked[0] == "pull":
    sys.exit("manifest unknown")
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of a container engine that is alone on PATH."""
    state, programs = tmp_path / "engine", tmp_path / "programs"
    state.mkdir()
    programs.mkdir()
    (programs / "docker").write_text(ENGINE.format(python=sys.executable, state=str(state)))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return state


def containers(engine: Path) -> list[str]:
    return [path.stem for path in engine.glob("*.container")]


def test_a_container_gets_its_own_environment_alone_and_no_value_on_a_command_line(
    engine: Path, tmp_path: Path
) -> None:
    with prepared(source(tmp_path, image="shop:1"), tmp_path) as release:
        task = release.start(
            "green-1",
            8123,
            environment={"OWN": "hidden"},
            inherited={"SHELL_S": "b", **os.environ},
            log=tmp_path / "log",
        )
        assert task.wait(20) == 0
    assert task.log.read_text().split()[0] == "8123"
    assert task.log.read_text().split()[2:] == ["hidden", "None"]
    asked = (engine / "asked").read_text()
    assert "--network host" in asked
    assert "--rm" in asked
    assert "hidden" not in asked
    assert containers(engine) == []


def test_a_container_ends_with_its_signal_when_killed_and_with_the_stage(engine: Path, tmp_path: Path) -> None:
    def start(number: int) -> ChildProcess:
        task = release.start(
            f"green-{number}", 8000, environment={"A": "b"}, inherited=os.environ, log=tmp_path / f"log-{number}"
        )
        # The image's own command.
        assert printed(task, until=lambda text: "own" in text) == "own\n"
        return task

    with prepared(source(tmp_path, image="shop:1", start=()), tmp_path) as release:
        first, second, third = start(1), start(2), start(3)
        deadline = time.monotonic() + 10
        while len(containers(engine)) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        first.stop()
        assert len(containers(engine)) == 2
        second.kill()
        assert len(containers(engine)) == 1
        # A client that dies leaves its container to the end of the stage.
        os.kill(third.pid, signal.SIGKILL)
        assert third.wait(10) == -signal.SIGKILL
        assert len(containers(engine)) == 1
    assert containers(engine) == []


def test_an_image_that_is_nowhere(engine: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(
            ConfigError, match="image shop:2 is not on this machine, and docker pull failed: manifest unknown; build it"
        ),
        prepared(source(tmp_path, image="shop:2"), tmp_path),
    ):
        pass
    assert "pull shop:2" in (engine / "asked").read_text()


def test_no_engine_and_one_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    image = source(tmp_path, image="shop:1")
    with (
        pytest.raises(
            StageError,
            match=r"shop:1 needs a container engine: neither docker nor podman is on PATH\. Start or install",
        ),
        prepared(image, tmp_path),
    ):
        pass
    (tmp_path / "docker").write_text("#!/bin/sh\necho Cannot connect to the daemon >&2; exit 1\n")
    (tmp_path / "docker").chmod(0o755)
    with (
        pytest.raises(StageError, match=r"docker does not answer \(Cannot connect to the daemon\)"),
        prepared(image, tmp_path),
    ):
        pass
