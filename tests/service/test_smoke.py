"""The example's smoke test, steps 7 and 8 of the article: the hook asks the real service through a real load balancer."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seachange.deployment.smoke import SmokeTest
from seachange.plan.model import HealthCheck
from seachange.rehearsal.config import Source
from seachange.rehearsal.releases import prepared
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.launch import Launcher
from seachange.rehearsal.stage.tasks import TaskSet
from seachange_deployments import hook
from tests.deployments.hooked import EVENT, VARIABLES, Aws, Context
from tests.service.test_gunicorn import COMMAND, SERVICE

pytestmark = pytest.mark.slow

CUSTOMER = "INSERT INTO customers (name, email, address) VALUES ('Old', 'old@example.com', 'c/o Blue')"
HEALTH = HealthCheck(path="/health/ready", interval_s=0.3, timeout_s=1, healthy=2, unhealthy=3, codes="200")

Green = Callable[[str], LoadBalancer]


@pytest.fixture
def green(database: Any, secret: SimpleNamespace, tmp_path: Path) -> Iterator[Green]:
    """Starts two tasks of a release behind the test listener, on the expanded schema with one customer of the old release."""
    database.upgrade("expand@head")
    database.execute(CUSTOMER)
    with LoadBalancer(tmp_path / "envoy", logs=tmp_path, health=HEALTH) as balancer, ExitStack() as running:
        started: list[TaskSet] = []

        def start(release: str) -> LoadBalancer:
            variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
            source = Source(directory=SERVICE, start=tuple(COMMAND), environment={})
            launcher = Launcher(
                running.enter_context(prepared(source, tmp_path)),
                environment={
                    **variables,
                    "RELEASE": release,
                    "DB_SECRET_ARN": secret.arn,
                    "PORT": "8080",
                    "PGHOST": database.server.host,
                    "PGPORT": str(database.server.port),
                    "PGDATABASE": database.name,
                },
                container_port=8080,
                logs=tmp_path,
            )
            tasks = TaskSet("green", launcher, name="green", count=2, balancer=balancer, stop_timeout_s=30)
            started.append(tasks)
            tasks.start()
            deadline = time.monotonic() + 30
            while not tasks.ready():
                assert time.monotonic() < deadline, tasks.last_lines()
                time.sleep(0.1)
            return balancer

        yield start
        for tasks in started:
            tasks.stop()


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[LoadBalancer, str], None]:
    """Calls the hook as CodeDeploy does; it must give the answer that is expected."""
    (tmp_path / "smoke.json").write_text(SmokeTest.load(SERVICE / "smoke.toml").as_json())

    def run(balancer: LoadBalancer, status: str) -> None:
        for name, value in {
            **VARIABLES,
            "LAMBDA_TASK_ROOT": str(tmp_path),
            "SMOKE_PORT": str(balancer.test_port),
        }.items():
            monkeypatch.setenv(name, value)
        with monkeypatch.context() as patched:
            aws = Aws().connect(patched).has_nodes(balancer.host).is_answered(status)
            assert hook.handler(EVENT, Context()) == {"Status": status}
            aws.settled()

    return run


def test_it_passes_twice_in_a_row_and_leaves_nothing(
    green: Green, call: Callable[[LoadBalancer, str], None], database: Any, tmp_path: Path
) -> None:
    balancer = green("v2")
    before = database.execute("SELECT * FROM customers")
    for _ in range(2):
        call(balancer, "Succeeded")
    assert len(before) == 1
    assert database.execute("SELECT * FROM customers") == before
    # The tasks log what they serve, but for health checks that find nothing.
    served = [log.read_text().count('"message": "request"') for log in tmp_path.glob("green-*.log")]
    steps = json.loads((tmp_path / "smoke.json").read_text())
    assert sum(served) == 2 * sum(step["path"] != "/health" for step in steps)


def test_the_old_release_does_not_pass_for_the_new_one(
    green: Green, call: Callable[[LoadBalancer, str], None], database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    call(green("v1"), "Failed")
    assert 'version is "v1" instead of "v2"' in caplog.text
    assert database.execute("SELECT count(*) FROM customers") == [(1,)]
