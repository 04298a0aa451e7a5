"""Tasks behind the real load balancer: what dies or fails its health checks is replaced, as ECS does."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seachange.plan.model import HealthCheck
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.process import ChildProcess
from seachange.rehearsal.stage.tasks import TaskSet

pytestmark = pytest.mark.slow

HEALTH = HealthCheck(path="/", interval_s=0.3, timeout_s=0.3, healthy=2, unhealthy=3, codes="200")
# Answers 200 as long as its folder has no file `sick`, and 503 from then on; with the argument `deaf` it does not end when asked to.
PROGRAM = """
import http.server, pathlib, signal, sys
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if pathlib.Path("sick").exists() else 200)
        self.send_header("content-length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def balancer(tmp_path: Path) -> Iterator[LoadBalancer]:
    (tmp_path / "logs").mkdir()
    with LoadBalancer(tmp_path / "envoy", logs=tmp_path / "logs", health=HEALTH) as balancer:
        yield balancer


Make = Callable[..., TaskSet]


@pytest.fixture
def tasks(balancer: LoadBalancer, tmp_path: Path) -> Iterator[Make]:
    """Makes task sets of two tasks, each with a working directory of its own, named after it."""
    made = []
    arguments: list[str] = []

    def launch(name: str, port: int) -> ChildProcess:
        folder = tmp_path / name
        folder.mkdir()
        command = [sys.executable, "-c", PROGRAM, str(port), *arguments]
        return ChildProcess(name, command, log=tmp_path / "logs" / f"{name}.log", cwd=folder, env={})

    def make(*words: str, crash_after_s: float | None = None, stop_timeout_s: float = 1) -> TaskSet:
        arguments.extend(words)
        found = TaskSet(
            "green",
            launch,
            name="green",
            count=2,
            balancer=balancer,
            stop_timeout_s=stop_timeout_s,
            crash_after_s=crash_after_s,
        )
        made.append(found)
        found.start()
        return found

    yield make
    for found in made:
        found.stop()


def tended(tasks: TaskSet, condition: Callable[[], bool], *, within_s: float = 20) -> None:
    """Looks after the tasks until the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        tasks.tend(time.time())
        time.sleep(0.05)


def test_a_sick_task_is_replaced(tasks: Make, balancer: LoadBalancer, tmp_path: Path) -> None:
    group = tasks()
    tended(group, group.ready)
    (tmp_path / "green-1" / "sick").touch()
    tended(group, lambda: (tmp_path / "green-3").exists())
    # It serves on until its replacement is healthy.
    assert group.deaths == []
    tended(group, lambda: balancer.hosts("green").total == 3)
    tended(group, lambda: bool(group.deaths))
    tended(group, group.ready)
    [death] = group.deaths
    assert (death.name, death.reason) == ("green-1", "failed the load balancer's health checks")
    # The third task came in the first one's place.
    assert (tmp_path / "green-3").exists()
    assert not (tmp_path / "green-4").exists()
    assert not group.keep_dying()


def test_tasks_that_crash_again_and_again_are_too_many(tasks: Make) -> None:
    group = tasks(crash_after_s=0.1)
    tended(group, group.keep_dying)
    assert len(group.deaths) >= 3
    assert all("ended with code -9" in death.reason for death in group.deaths)


def test_after_the_last_request_nobody_is_replaced(tasks: Make, balancer: LoadBalancer, tmp_path: Path) -> None:
    group = tasks()
    tended(group, group.ready)
    group.deregister()
    tended(group, lambda: balancer.hosts("green").total == 0)
    for name in ("green-1", "green-2"):
        (tmp_path / name / "sick").touch()
    until = time.monotonic() + 2
    tended(group, lambda: time.monotonic() > until)
    assert balancer.hosts("green").total == 0
    assert not (tmp_path / "green-3").exists()


@pytest.mark.parametrize("stop_timeout_s", [0.5, 3])
def test_tasks_that_do_not_end_when_asked_to_have_the_stop_timeout_together(tasks: Make, stop_timeout_s: float) -> None:
    group = tasks("deaf", stop_timeout_s=stop_timeout_s)
    tended(group, group.ready)
    began = time.monotonic()
    group.stop()
    assert stop_timeout_s <= time.monotonic() - began < stop_timeout_s + 2


def test_tasks_that_end_when_asked_to_are_not_waited_for(tasks: Make) -> None:
    group = tasks(stop_timeout_s=60)
    tended(group, group.ready)
    began = time.monotonic()
    group.stop()
    assert time.monotonic() - began < 10
