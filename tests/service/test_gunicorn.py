"""The service as it is started: gunicorn with its configuration file, in its own process."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seachange.rehearsal.stage.ports import free_port

SERVICE = Path(__file__).parents[2] / "service"
COMMAND = [
    str(Path(sys.executable).with_name("gunicorn")),
    "--config",
    "gunicorn.conf.py",
    "customers.app:create_app()",
]


@pytest.mark.slow
def test_it_serves_logs_json_and_ends_on_sigterm(database: Any, secret: SimpleNamespace, tmp_path: Path) -> None:
    database.upgrade("expand@head")
    port = free_port()
    server = database.server
    environment = os.environ | {
        "RELEASE": "v2",
        "DB_SECRET_ARN": secret.arn,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "PGHOST": server.host,
        "PGPORT": str(server.port),
        "PGDATABASE": database.name,
        "PGAPPNAME": "customers/v2",
    }
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(COMMAND, cwd=SERVICE, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}/health/ready")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/customers", timeout=5) as answer:
                assert json.load(answer) == {"customers": [], "next": None}
            sessions = "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename = %s AND datname = %s"
            assert database.execute(sessions, database.role, database.name) == [("customers/v2",)]
        finally:
            process.terminate()
            assert process.wait(20) == 0
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert {line["release"] for line in lines} == {"v2"}
    assert [line["path"] for line in lines if line["message"] == "request" and line["status"] == 200] == [
        "/api/customers"
    ]


def wait_until_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("gunicorn did not become ready")


@pytest.mark.slow
@pytest.mark.parametrize(("given", "missing"), [({}, "RELEASE is ''"), ({"RELEASE": "v1"}, "DB_SECRET_ARN is not set")])
def test_it_refuses_to_start_in_one_line(given: dict[str, str], missing: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("RELEASE", "DB_SECRET_ARN")}
    environment |= {"HOST": "127.0.0.1", "PORT": str(free_port()), **given}
    result = subprocess.run(
        COMMAND, cwd=SERVICE, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    (line,) = (result.stdout + result.stderr).splitlines()
    assert line.startswith(f"customers: {missing}")
