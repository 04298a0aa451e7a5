"""The real load balancer: weights, health checks with thresholds, fail open, and what its log says of targets that misbehave."""

import http.client
import re
import socket
import time
from collections import Counter
from pathlib import Path

import pytest

from seachange.evaluation import Metric
from seachange.plan.faults import Fault
from seachange.plan.routing import Listener
from seachange.rehearsal.access_log import numbered
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.metrics import Bucket, Measurements
from seachange.rehearsal.points import point
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.fault_proxy import FaultProxy
from seachange.rehearsal.stage.ports import free_port
from tests.rehearsal.targets import (  # noqa: F401 (fixtures)
    HEALTH,
    Balance,
    Target,
    ask,
    balance,
    fetch,
    targets,
    until,
)

pytestmark = pytest.mark.slow

BALANCER = {"LoadBalancer": '"lb"'}
GROUP = BALANCER | {"TargetGroup": '"green"'}
Both = tuple[Target, Target]


def answers(balancer: LoadBalancer, count: int) -> Counter[str]:
    return Counter(ask(balancer.production_port) for _ in range(count))


def counted(bucket: Bucket, name: str, dimensions: dict[str, str]) -> float:
    metric = Metric(namespace="AWS/ApplicationELB", name=name, dimensions=dimensions, statistic="Sum")
    return point(metric, [bucket], 1) or 0


def test_weights_decide_and_the_test_listener_is_greens(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    assert answers(balancer, 30) == {"blue": 30}
    assert ask(balancer.test_port) == "green"
    balancer.weigh(100)
    assert answers(balancer, 30) == {"green": 30}
    balancer.weigh(50)
    assert 70 < answers(balancer, 200)["green"] < 130


def test_a_target_is_taken_out_after_the_threshold_and_back_in(balance: Balance, targets: Both) -> None:  # noqa: F811
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


def test_a_deregistered_group_gets_no_request(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    balancer.register("blue", [])
    until(lambda: balancer.hosts("blue").total == 0)
    assert ask(balancer.production_port) == "503"
    assert balancer.active_requests("blue") == 0


def test_a_port_in_use_is_refused(balance: Balance, tmp_path: Path) -> None:  # noqa: F811
    taken = balance().production_port
    with pytest.raises(StageError, match=f"port {taken} is in use"):
        LoadBalancer(tmp_path / "second", logs=tmp_path, health=HEALTH, production_port=taken)


def test_targets_are_told_what_an_alb_tells_them(balance: Balance, targets: Both) -> None:  # noqa: F811
    blue, green = targets
    balancer = balance(listener=Listener(port=443, protocol="https"))
    assert balancer.forwarded_port == 443
    fetch(balancer.production_port, host="shop.example.com", x_forwarded_port="1", x_forwarded_for="10.1.2.3")
    told = {name.lower(): value for name, value in blue.headers.items()}
    assert told["x-forwarded-port"] == "443"
    assert told["x-forwarded-proto"] == "https"
    assert re.fullmatch(r"10\.1\.2\.3,[\d.]+", told["x-forwarded-for"])
    assert told["host"] == "shop.example.com"
    assert not [name for name in told if "envoy" in name or name == "x-request-id"]
    fetch(balancer.test_port)
    assert green.headers["x-forwarded-port"] == str(balancer.test_port)


# Path → status at the client, metrics of green's target group, metrics of the load balancer alone.
MISBEHAVIOUR = {
    "/": (200, {"HTTPCode_Target_2XX_Count"}, set()),
    "/status/404": (404, {"HTTPCode_Target_4XX_Count"}, set()),
    "/status/500": (500, {"HTTPCode_Target_5XX_Count"}, set()),
    "/status/502": (502, {"HTTPCode_Target_5XX_Count"}, set()),
    "/hang-up": (502, set(), {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_502_Count"}),
    "/garbage": (502, set(), {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_502_Count"}),
    "/silent": (504, set(), {"HTTPCode_ELB_5XX_Count", "HTTPCode_ELB_504_Count"}),
}
NAMES = (
    *(f"HTTPCode_Target_{code}XX_Count" for code in (2, 3, 4, 5)),
    *(f"HTTPCode_ELB_{code}_Count" for code in ("3XX", "4XX", "5XX", "500", "502", "503", "504")),
    "TargetConnectionErrorCount",
)


def metrics_of(balancer: LoadBalancer, requests: int, group: str = "green") -> Bucket:
    """What the log says, once it holds so many requests."""
    until(lambda: len(balancer.access_log.read_text("utf-8").splitlines()) == requests)
    with Measurements(balancer.access_log, slice_s=0.5) as measurements:
        time.sleep(0.1)
    return measurements.bucket(group, time.time() - 100, time.time() + 1)


@pytest.mark.parametrize("path", MISBEHAVIOUR)
def test_what_a_target_does_and_which_metric_sees_it(balance: Balance, path: str) -> None:  # noqa: F811
    status, of_group, of_balancer = MISBEHAVIOUR[path]
    balancer = balance(listener=Listener(idle_timeout_s=1))
    balancer.weigh(100)
    assert fetch(balancer.production_port, path, x_seachange_request="41").status == status
    bucket = metrics_of(balancer, 1)
    assert {name for name in NAMES if counted(bucket, name, GROUP)} == of_group
    assert {name for name in NAMES if counted(bucket, name, BALANCER)} == of_group | of_balancer
    assert counted(bucket, "RequestCount", GROUP) == 1
    entry = numbered(balancer.access_log, ["41"])["41"]
    assert (entry.group, entry.status) == ("green", status)
    assert bool(bucket.response_s) == bool(of_group)


def test_a_target_that_refuses_connections(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    balancer.register("green", [free_port()])
    until(lambda: balancer.hosts("green").unhealthy == 1)
    balancer.weigh(100)
    assert fetch(balancer.production_port).status == 502
    bucket = metrics_of(balancer, 1)
    assert counted(bucket, "TargetConnectionErrorCount", GROUP) == 1
    assert counted(bucket, "HTTPCode_ELB_502_Count", BALANCER) == 1
    assert counted(bucket, "HTTPCode_ELB_502_Count", GROUP) == counted(bucket, "HTTPCode_Target_5XX_Count", GROUP) == 0


def test_a_group_without_targets_is_no_request_of_anybodys(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    balancer.register("green", [])
    until(lambda: balancer.hosts("green").total == 0)
    balancer.weigh(100)
    assert fetch(balancer.production_port).status == 503
    bucket = metrics_of(balancer, 1)
    assert counted(bucket, "HTTPCode_ELB_503_Count", BALANCER) == 1
    assert counted(bucket, "RequestCount", BALANCER) == counted(bucket, "RequestCount", GROUP) == 0


def test_a_target_that_hangs_up_in_mid_answer_has_answered(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    balancer.weigh(100)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        fetch(balancer.production_port, "/half")
    bucket = metrics_of(balancer, 1)
    assert {name for name in NAMES if counted(bucket, name, BALANCER)} == {"HTTPCode_Target_2XX_Count"}


def test_a_client_that_leaves_early_is_no_5xx(balance: Balance) -> None:  # noqa: F811
    balancer = balance()
    balancer.weigh(100)
    with socket.create_connection(("127.0.0.1", balancer.production_port), timeout=5) as client:
        client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\nX-SeaChange-Request: 5\r\n\r\n")
        time.sleep(0.2)
    bucket = metrics_of(balancer, 1)
    assert {name for name in NAMES if counted(bucket, name, BALANCER)} == {"HTTPCode_ELB_4XX_Count"}
    assert numbered(balancer.access_log, ["5"])["5"].status == 460


def test_faults_before_a_task_are_what_the_balancer_measures(balance: Balance, targets: Both, tmp_path: Path) -> None:  # noqa: F811
    _, green = targets
    balancer = balance(listener=Listener(port=443, protocol="https"))
    with FaultProxy(
        green.port,
        Fault(resets=1, path="/gone"),
        production_port=balancer.forwarded_port,
        health_path=HEALTH.path,
        work=tmp_path,
        logs=tmp_path,
    ) as proxy:
        balancer.register("green", [proxy.port])
        until(lambda: balancer.hosts("green").total == 1 and proxy.port in balancer.health("green"))
        balancer.weigh(100)
        assert [fetch(balancer.production_port, path).status for path in ("/gone", "/here")] == [502, 200]
        # A client cannot pass for another listener's.
        assert fetch(balancer.production_port, "/gone", x_forwarded_port="8443").status == 502
        assert fetch(balancer.test_port, "/gone").status == 200
        proxy.set(Fault(errors=1))
        assert fetch(balancer.production_port).status == 500
        proxy.set(Fault(delay_s=0.4))
        assert fetch(balancer.production_port).status == 200
        done = proxy.performed()
    assert (done.requests, done.resets, done.errors, done.slow) == (5, 2, 1, 1)
    bucket = metrics_of(balancer, 5)
    assert counted(bucket, "HTTPCode_Target_5XX_Count", GROUP) == 1
    assert counted(bucket, "HTTPCode_ELB_502_Count", BALANCER) == 2
    # The fault's delay is the target's, as far as the load balancer can tell.
    assert 0.4 < max(bucket.response_s) < 1
