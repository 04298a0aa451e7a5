"""The real load balancer: weights, health checks with thresholds, fail open, faults, and what its log says."""

import http.server
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seachange.evaluation import Metric
from seachange.plan.model import HealthCheck
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.metrics import Measurements, point
from seachange.rehearsal.stage.envoy import LoadBalancer

pytestmark = pytest.mark.slow

HEALTH = HealthCheck(path="/health", interval_s=0.3, timeout_s=0.3, healthy=2, unhealthy=3, codes="200")


class Target(http.server.ThreadingHTTPServer):
    """A target that answers with its colour, and is healthy or not."""

    daemon_threads = True

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.healthy = True
        self.checks = 0
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Target

    def do_GET(self) -> None:
        is_check = self.path == "/health"
        self.server.checks += is_check
        if self.path == "/hang-up":
            self.close_connection = True
            return
        body = self.server.colour.encode()
        self.send_response(503 if is_check and not self.server.healthy else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def targets() -> Iterator[tuple[Target, Target]]:
    blue, green = Target("blue"), Target("green")
    yield blue, green
    for target in (blue, green):
        target.shutdown()
        target.server_close()


Balance = Callable[..., LoadBalancer]


@pytest.fixture
def balance(tmp_path: Path, targets: tuple[Target, Target]) -> Iterator[Balance]:
    """Starts a load balancer over both targets."""
    started: list[LoadBalancer] = []

    def start(**settings: float) -> LoadBalancer:
        balancer = LoadBalancer(tmp_path / "envoy", logs=tmp_path, health=HEALTH, **settings)  # type: ignore[arg-type]
        started.append(balancer.__enter__())
        for target in targets:
            balancer.register(target.colour, [target.server_address[1]])
            until(
                lambda colour=target.colour: balancer.hosts(colour).total == 1 and balancer.hosts(colour).unhealthy == 0
            )  # type: ignore[misc]
        return balancer

    yield start
    for balancer in started:
        balancer.__exit__()


def until(holds: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(port: int, path: str = "/") -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)


def answers(balancer: LoadBalancer, count: int) -> Counter[str]:
    return Counter(ask(balancer.production_port) for _ in range(count))


def test_weights_decide_and_the_test_listener_is_greens(balance: Balance) -> None:
    balancer = balance()
    assert answers(balancer, 30) == {"blue": 30}
    assert ask(balancer.test_port) == "green"
    balancer.weigh(100)
    assert answers(balancer, 30) == {"green": 30}
    balancer.weigh(50)
    assert 70 < answers(balancer, 200)["green"] < 130


def test_a_target_is_taken_out_after_the_threshold_and_back_in(
    balance: Balance, targets: tuple[Target, Target]
) -> None:
    blue, _ = targets
    balancer = balance()
    blue.healthy = False
    before = blue.checks
    until(lambda: balancer.hosts("blue").unhealthy == 1)
    assert blue.checks - before >= HEALTH.unhealthy
    # Every target of the group is unhealthy: like the ALB it fails open, so the requests still arrive.
    assert answers(balancer, 10) == {"blue": 10}
    blue.healthy = True
    until(lambda: balancer.hosts("blue").unhealthy == 0)


def test_a_deregistered_group_gets_no_request(balance: Balance) -> None:
    balancer = balance()
    balancer.register("blue", [])
    until(lambda: balancer.hosts("blue").total == 0)
    assert ask(balancer.production_port) == "503"
    assert balancer.active_requests("blue") == 0


def test_a_port_in_use_is_refused(balance: Balance, tmp_path: Path) -> None:
    taken = balance().production_port
    with pytest.raises(StageError, match=f"port {taken} is in use"):
        LoadBalancer(tmp_path / "second", logs=tmp_path, health=HEALTH, production_port=taken)


def test_the_log_becomes_the_load_balancers_metrics(balance: Balance) -> None:
    balancer = balance(green_errors_percent=100)
    balancer.weigh(100)
    start = time.time()
    with Measurements(balancer.access_log, slice_s=0.5) as measurements:
        answers(balancer, 20)
        balancer.weigh(0)
        answers(balancer, 10)
        assert ask(balancer.production_port, "/hang-up") == "503"
        until(
            lambda: (
                sum(measurements.bucket(colour, start - 1, time.time() + 1).requests for colour in ("blue", "green"))
                == 31
            )
        )
        green, blue = (measurements.bucket(colour, start - 1, time.time() + 1) for colour in ("green", "blue"))

    def metric(name: str, statistic: str = "Sum") -> Metric:
        return Metric(namespace="AWS/ApplicationELB", name=name, dimensions={}, statistic=statistic)

    assert point(metric("RequestCount"), [green], 1) == 20
    assert point(metric("HTTPCode_Target_5XX_Count"), [green], 1) == 20
    assert point(metric("HTTPCode_Target_2XX_Count"), [blue], 1) == 10
    # The ALB sends no zeros, and a compressed period's counts are scaled back.
    assert point(metric("HTTPCode_Target_5XX_Count"), [blue], 1) is None
    assert point(metric("RequestCount"), [green], 60) == 1200
    # A target that hangs up is the load balancer's own error, which no target group's alarm sees.
    assert point(metric("HTTPCode_ELB_5XX_Count"), [blue], 1) == 1
    p99 = point(metric("TargetResponseTime", "p99"), [blue], 1)
    assert p99 is not None
    assert 0 < p99 < 1
