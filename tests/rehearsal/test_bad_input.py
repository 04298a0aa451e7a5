"""Bad input: one clear line, exit code 2, nothing left running, nothing half-written."""

import json
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.assemblies import CONFIG

from .conftest import Rehearse, Rehearsed, command

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """After every test: no process whose command line names the stage's directory, and no such directory."""
    # Not below pytest's own folder, which is closed to the account that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="bad-input-") as folder:
        stages = Path(folder)
        stages.chmod(0o711)
        monkeypatch.setenv("TMPDIR", folder)
        yield stages
        deadline = time.monotonic() + 5
        while (running := processes_naming(folder)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert running == []
        assert list(stages.iterdir()) == []


def processes_naming(text: str) -> list[str]:
    lines = subprocess.run(
        ["ps", "-axww", "-o", "command="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in lines if text in line and not line.startswith("ps ")]


def refused(done: Rehearsed, *texts: str) -> None:
    """The last line of standard error is ours and says what, why and what to do; no stack trace, no report."""
    line = done.stderr.splitlines()[-1]
    assert done.exit_code == 2, done.stderr
    assert line.startswith("seachange: ")
    for text in texts:
        assert text in line
    assert "Traceback" not in done.stderr
    assert not (done.out / "report.json").exists()


Edit = Callable[[str, str], Path]


@pytest.fixture
def config_with(tmp_path: Path) -> Edit:
    """Makes a copy of the service whose rehearsal.toml has one change; returns that file."""

    def make(before: str, after: str) -> Path:
        service = tmp_path / "service"
        shutil.copytree(CONFIG.parent, service)
        config = service / CONFIG.name
        text = config.read_text()
        assert before in text
        config.write_text(text.replace(before, after))
        return config

    return make


def test_a_missing_assembly(rehearse: Rehearse, tmp_path: Path) -> None:
    refused(rehearse(green=tmp_path / "cdk.out"), "no cloud assembly in", "cdk synth -o")


def test_a_template_without_a_blue_green_service(rehearse: Rehearse, green: Path, tmp_path: Path) -> None:
    plain = tmp_path / "green"
    shutil.copytree(green, plain)
    path = plain / "customers-dev.template.json"
    template = json.loads(path.read_text("utf-8"))
    resources = template["Resources"]
    template["Resources"] = {k: v for k, v in resources.items() if v["Type"] != "Custom::SeaChangeDeployment"}
    path.write_text(json.dumps(template), "utf-8")
    refused(rehearse(green=plain), "exactly one Custom::SeaChangeDeployment", "it holds none", "Synthesize such an app")


def test_a_missing_configuration(rehearse: Rehearse, tmp_path: Path) -> None:
    refused(rehearse(config=tmp_path / "rehearsal.toml"), "does not exist", "--config")


def test_an_unknown_drill(rehearse: Rehearse) -> None:
    refused(rehearse(drill="earthquake"), "no drill 'earthquake'", "errors-1")


def test_an_impossible_speed(rehearse: Rehearse) -> None:
    refused(rehearse(speed=-1), "--speed", "above 0")


def test_a_wrong_type_in_the_configuration(rehearse: Rehearse, config_with: Edit) -> None:
    refused(
        rehearse(config=config_with("rate = 200", 'rate = "fast"')),
        "`load.rate` must be a number above 0; it is 'fast'",
    )


def test_smoke_steps_in_the_configuration(rehearse: Rehearse, config_with: Edit) -> None:
    config = config_with("[views]", "[[smoke.steps]]\nname = 'health'\n\n[views]")
    refused(rehearse(config=config), "`smoke` is read from the template now", "BlueGreenService(smoke_test=")


def test_a_placeholder_without_values(rehearse: Rehearse, config_with: Edit) -> None:
    config = config_with("customer_id =", "other_id =")
    refused(rehearse(config=config), "{{customer_id}}", "[load.values]")


def test_a_port_in_use(rehearse: Rehearse) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        refused(rehearse(port=listener.getsockname()[1]), "is in use", "--port")


def test_a_start_command_that_does_not_exist(rehearse: Rehearse, config_with: Edit) -> None:
    config = config_with('"gunicorn", "--config"', '"gunicornn", "--config"')
    refused(rehearse(config=config), "'gunicornn'", "install it or change [service] start")


def test_a_service_that_ends_at_once(rehearse: Rehearse, config_with: Edit) -> None:
    config = config_with('"customers.app:create_app()"', '"customers.absent:create_app()"')
    refused(rehearse(config=config), "task blue-", "log:")


def test_a_service_that_never_gets_healthy(rehearse: Rehearse, config_with: Edit) -> None:
    """It listens, and its health check's path is not there."""
    text = CONFIG.read_text("utf-8")
    start = next(line for line in text.splitlines() if line.startswith("start = "))
    other = 'start = ["python", "-m", "http.server", "{{port}}", "--bind", "127.0.0.1"]'
    config = config_with(f"{start}\nready_timeout_s = 30", f"{other}\nready_timeout_s = 2")
    refused(rehearse(config=config), "blue's tasks were not healthy after 5 s", "raise [service] ready_timeout_s")


def test_a_load_that_the_machine_cannot_carry(rehearse: Rehearse) -> None:
    refused(rehearse(rate=5000, rows=1000), "this machine does not carry 5000 requests/s", "lower --rate")


def test_a_broken_migration(rehearse: Rehearse, green: Path, tmp_path: Path) -> None:
    broken = tmp_path / "green"
    shutil.copytree(green, broken)
    revision = next(path for path in broken.glob("asset.*/migrations/versions/*.py") if path.name.startswith("0003"))
    revision.write_text(revision.read_text().replace("def upgrade()", "def upgrade("))
    done = rehearse(green=broken)
    # On AWS the stack's update fails, and blue serves on: the answer is no.
    assert done.exit_code == 1, done.stderr
    assert done.report["outcome"]["kind"] == "refused"
    assert revision.name in done.report["reasons"][0]
    assert done.report["requests"]["failed"] == 0


@pytest.mark.parametrize("after_s", [0.5, 4, 14])
def test_ctrl_c_ends_every_process(blue: Path, green: Path, tmp_path: Path, after_s: float) -> None:
    options = ["--blue", blue, "--green", green, "--config", CONFIG, "--out", tmp_path / "out", "--rows", "5000"]
    process = subprocess.Popen(command(*options), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(after_s)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "out" / "report.json").exists()


@pytest.mark.skipif(not Path("/proc").exists(), reason="only Linux ends children with their parent: prctl(2)")
def test_a_killed_rehearsal_leaves_no_process(blue: Path, green: Path, tmp_path: Path, stages: Path) -> None:
    options = ["--blue", blue, "--green", green, "--config", CONFIG, "--out", tmp_path / "out", "--rows", "5000"]
    process = subprocess.Popen(command(*options), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(14)
    assert process.poll() is None
    assert processes_naming(str(stages))
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while processes_naming(str(stages)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    # Files stay when it is killed; processes do not.
    for stage in stages.iterdir():
        shutil.rmtree(stage)
