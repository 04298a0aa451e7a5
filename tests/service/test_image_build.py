"""The image itself: built with buildah, without a registry of images, run against a real PostgreSQL, and rehearsed with podman.

The base image cannot be pulled everywhere, so one of the same name is made here: Debian's Python 3.13, with `pip` and `python` in
/usr/local as in the official one. Needs root, buildah, debootstrap and podman: `make test-image` installs them, and then a skip is a failure.
Where a container may not raise its limits, as in another container, podman's settings lower them: `CONTAINERS_CONF` names a file of yours.
"""

import configparser
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seachange.rehearsal.stage.ports import free_port

SERVICE = Path(__file__).parents[2] / "service"
BASE = "docker.io/library/python:3.13-slim"
IMAGE = "localhost/customers:test"
SUITE = "trixie"  # the Debian whose Python is 3.13
# pip inside must find the same packages as pip outside.
PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")
# What the fixture `secret` sets.
SECRETS_MANAGER = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def run(*command: str, timeout: float = 600) -> str:
    """The command's output; its last lines when it fails."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, f"{' '.join(command[:8])} …: {' | '.join(done.stdout.splitlines()[-15:])}"
    return done.stdout


class Buildah:
    """Buildah with a storage of its own, so that nothing of the machine's is touched and all of it can be removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]
        self.command = ["buildah", *self.storage]

    def __call__(self, *arguments: str) -> str:
        return run(*self.command, *arguments).strip()

    def remove_everything(self) -> None:
        """Containers, images and mounts."""
        self("umount", "--all")
        self("rm", "--all")
        self("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def buildah() -> Iterator[Buildah]:
    unable = []
    if os.geteuid() != 0:
        unable.append("needs root")
    unable += [f"{tool} is missing" for tool in ("apt-get", "buildah", "debootstrap") if not shutil.which(tool)]
    if not unable and not debian_mirror():
        unable.append("apt knows no Debian mirror")
    if unable:
        leave_out(f"cannot build the image: {', '.join(unable)}")
    with tempfile.TemporaryDirectory(prefix="seachange-image-") as folder:
        buildah = Buildah(Path(folder))
        try:
            yield buildah
        finally:
            buildah.remove_everything()
    assert folder not in Path("/proc/mounts").read_text("utf-8")


def leave_out(why: str) -> None:
    """Skips a test of something that this machine does not have; `make test-image` fails it."""
    message = f"{why} (`make test-image`, as root on Debian)"
    if os.environ.get("IMAGE_TEST") == "required":
        pytest.fail(message)
    pytest.skip(message)


def debian_mirror() -> str:
    """The mirror in apt's own sources."""
    targets = run(
        *("apt-get", "indextargets", "--format", "$(REPO_URI)"),
        "Created-By: Packages",
        "Origin: Debian",
        "Label: Debian",
    )
    return targets.split()[0] if targets else ""


@pytest.fixture(scope="module")
def image(buildah: Buildah) -> str:
    make_base(buildah)
    settings = buildah.folder / "pip.conf"
    certificates = ssl.get_default_verify_paths().cafile
    assert certificates is not None
    write_pip_settings(settings, certificates="/run/certificates.pem")
    mounts = (f"{settings}:/etc/pip.conf:ro", f"{certificates}:/run/certificates.pem:ro")
    buildah(
        *("bud", "--isolation", "chroot", "--network", "host", "--pull=never"),
        *("--format", "docker"),  # the other format has no health check
        *(option for mount in mounts for option in ("--volume", mount)),
        *("--tag", IMAGE, str(SERVICE)),
    )
    return IMAGE


def make_base(buildah: Buildah) -> None:
    container = buildah("from", "scratch")
    root = buildah("mount", container)
    packages = "--include=ca-certificates,python3,python3-venv"
    run("debootstrap", "--variant=minbase", packages, SUITE, root, debian_mirror())
    run("chroot", root, "python3", "-m", "venv", "/usr/local")
    buildah("umount", container)
    buildah("config", "--env", "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    buildah("commit", "--quiet", "--rm", container, BASE)


def write_pip_settings(path: Path, *, certificates: str) -> None:
    """This machine's settings for pip, with the certificates where the build sees them."""
    found = {"cert": certificates}
    for line in run(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        if (setting := name.rsplit(".", 1)[-1]) in PIP_SETTINGS:
            found[setting] = value.strip("'\"")
    settings = configparser.RawConfigParser()
    settings["global"] = found
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def test_the_image_runs_the_service(
    buildah: Buildah, image: str, database: Any, secret: SimpleNamespace, tmp_path: Path
) -> None:
    database.upgrade("expand@head")
    port = free_port()
    environment = {
        "RELEASE": "v2",
        "ENVIRONMENT": "test",
        "DB_SECRET_ARN": secret.arn,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PGHOST": database.server.host,
        "PGPORT": str(database.server.port),
        "PGDATABASE": database.name,
        "PGSSLMODE": "disable",  # this server has no TLS
        **{name: os.environ[name] for name in SECRETS_MANAGER},
    }
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    container = buildah("from", "--pull=never", image)
    inside = [
        *(*buildah.command, "run", "--isolation", "chroot", "--network", "host"),
        *(option for name, value in environment.items() for option in ("--env", f"{name}={value}")),
        *(container, "--"),
    ]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([*inside, *config["Cmd"]], stdout=output, stderr=subprocess.STDOUT)
        try:
            assert answer(process, f"http://127.0.0.1:{port}/health", log) == {
                "status": "healthy",
                "version": "v2",
                "release": "v2",
                "environment": "test",
                "database": "connected",
                "schema": "compatible",
            }
            kind, *check = config["Healthcheck"]["Test"]
            assert kind == "CMD"
            run(*inside, *check, timeout=30)
            assert run(*inside, "python", "-c", "import os; print(os.getuid(), os.getgid())") == "10001 10001\n"
            # What the image says of itself reaches the process: the certificates of RDS are where libpq looks.
            run(*inside, "python", "-c", "import os; open(os.environ['PGSSLROOTCERT']).close()")
        finally:
            process.terminate()
            process.wait(30)


def test_the_image_is_rehearsed(buildah: Buildah, image: str, blue: Path, green: Path, tmp_path: Path) -> None:
    """Both colours run as containers of a real engine, which takes the image from where buildah has put it."""
    podman = tmp_path / "bin" / "podman"
    podman.parent.mkdir()
    podman.write_text(f'#!/bin/sh\nexec {shutil.which("podman")} {" ".join(buildah.storage)} "$@"\n', "utf-8")
    podman.chmod(0o755)
    trial = subprocess.run(
        [podman, "run", "--rm", "--network", "host", image, "true"], capture_output=True, text=True, check=False
    )
    if trial.returncode != 0:
        leave_out(f"podman runs no container here: {trial.stderr.strip()}")
    shutil.copy(SERVICE / "seed.sql", tmp_path)
    config = tmp_path / "rehearsal.toml"
    images = "".join(f'\n[{colour}]\nimage = "{image}"\n' for colour in ("blue", "green"))
    config.write_text((SERVICE / "rehearsal.toml").read_text("utf-8") + images, "utf-8")
    out = tmp_path / "out"
    command = [
        *(str(Path(sys.executable).with_name("seachange")), "rehearse", "--config", str(config)),
        *(
            "--blue",
            str(blue),
            "--green",
            str(green),
            "--speed",
            "120",
            "--rows",
            "5000",
            "--rate",
            "50",
            "--out",
            str(out),
        ),
    ]
    search = f"{podman.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, env={**os.environ, "PATH": search}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert (report["verdict"], report["requests"]["failed"], report["data"]["divergent"]) == ("pass", 0, 0)
    # The containers wrote the tasks' logs, and none of them is left.
    assert '"release": "v2"' in (out / "logs" / "green-1.log").read_text("utf-8")
    assert run(str(podman), "ps", "--all", "--quiet") == ""


def answer(process: subprocess.Popen[bytes], url: str, log: Path) -> Any:
    """The first answer, within half a minute."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as found:
                return json.load(found)
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}: {log.read_text('utf-8')[-2000:]}")
