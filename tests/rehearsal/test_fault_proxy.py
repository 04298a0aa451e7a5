"""The proxy before a task: what it does to which requests, and that it leaves all others alone."""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange.plan.faults import Fault
from seachange.rehearsal.proxy.misbehaviour import Actor
from seachange.rehearsal.stage.fault_proxy import FaultProxy, on_this_stage
from tests.rehearsal.targets import Target

PRODUCTION, TEST = {"X-Forwarded-Port": "443"}, {"X-Forwarded-Port": "8443"}
CHECK: dict[str, str] = {}


@pytest.fixture
def task() -> Iterator[Target]:
    with Target("task") as running:
        yield running
        running.shutdown()


Before = Callable[..., FaultProxy]


@pytest.fixture
def before(task: Target, tmp_path: Path) -> Iterator[Before]:
    """Starts a proxy before the task."""
    started: list[FaultProxy] = []

    def start(fault: Fault, **settings: Any) -> FaultProxy:
        proxy = FaultProxy(
            task.port, fault, production_port=443, health_path="/health", work=tmp_path, logs=tmp_path, **settings
        )
        started.append(proxy.__enter__())
        return proxy

    yield start
    for proxy in started:
        proxy.__exit__()


def ask(
    connection: http.client.HTTPConnection, path: str = "/", headers: dict[str, str] = PRODUCTION, body: object = None
) -> tuple[int, bytes]:
    """One request on a connection that stays open; status 0 when it is closed without an answer."""
    try:
        connection.request("GET" if body is None else "POST", path, body=body, headers=headers)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        connection.close()
        return 0, b""


def statuses(proxy: FaultProxy, count: int, path: str = "/", headers: dict[str, str] = PRODUCTION) -> Counter[int]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        return Counter(ask(connection, path, headers)[0] for _ in range(count))
    finally:
        connection.close()


def test_without_a_fault_all_passes_and_connections_live_on(before: Before, task: Target) -> None:
    proxy = before(Fault())
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    assert ask(connection, "/a") == (200, b"task")
    assert task.headers["x-forwarded-port"] == "443"
    assert ask(connection, "/chunks") == (200, b"one two three")
    assert ask(connection, "/post", body=b"x" * 3_000_000) == (200, b"3000000")
    assert ask(connection, "/post", body=iter([b"abc", b"defg"])) == (200, b"7")
    assert ask(connection, "/b") == (200, b"task")
    assert task.connections == 1
    assert proxy.performed().requests == 5
    connection.close()


def test_errors_are_the_public_s_alone(before: Before) -> None:
    proxy = before(Fault(errors=1))
    # The fault begins with green's first production request; health checks and smoke tests never meet it.
    assert statuses(proxy, 5, "/health", CHECK) == {200: 5}
    assert statuses(proxy, 5) == {500: 5}
    assert statuses(proxy, 5, "/health", CHECK) == {200: 5}
    assert statuses(proxy, 5, headers=TEST) == {200: 5}
    done = proxy.performed()
    assert (done.requests, done.errors, done.smoke, done.checks) == (5, 5, 0, 0)


def test_an_error_swallows_the_body_and_keeps_the_connection(before: Before, task: Target) -> None:
    proxy = before(Fault(errors=1, path="/post"))
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    assert ask(connection, "/post", body=b"x" * 1_000_000)[0] == 500
    assert ask(connection, "/post", body=iter([b"abc", b"defg"]))[0] == 500
    assert ask(connection, "/other") == (200, b"task")
    assert task.connections == 1
    connection.close()


def test_resets_close_without_an_answer(before: Before) -> None:
    proxy = before(Fault(resets=0.5))
    counts = statuses(proxy, 200)
    assert set(counts) == {0, 200}
    assert 60 < counts[0] < 140
    assert proxy.performed().resets == counts[0]


@pytest.mark.parametrize(("fault", "least"), [(Fault(delay_s=0.3), 0.8), (Fault(slowdown=2), 1.0)])
def test_an_answer_is_held_back(before: Before, fault: Fault, least: float) -> None:
    proxy = before(fault)
    for headers, low, high in ((PRODUCTION, least, least + 0.4), (TEST, 0.5, 0.75)):
        begin = time.monotonic()
        assert statuses(proxy, 1, "/wait", headers) == {200: 1}
        assert low <= time.monotonic() - begin < high
    assert proxy.performed().slow == 1


def test_an_error_that_takes_its_time(before: Before) -> None:
    proxy = before(Fault(errors=1, delay_s=0.3))
    begin = time.monotonic()
    assert statuses(proxy, 1) == {500: 1}
    assert 0.3 <= time.monotonic() - begin < 0.7
    assert (proxy.performed().errors, proxy.performed().slow) == (1, 0)


def test_a_slow_stream_arrives_whole(before: Before) -> None:
    proxy = before(Fault(delay_s=0.2))
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    assert ask(connection, "/chunks") == (200, b"one two three")
    assert ask(connection, "/again") == (200, b"task")
    connection.close()


def test_the_smoke_test_fails_when_told(before: Before) -> None:
    proxy = before(Fault(), smoke=True)
    assert statuses(proxy, 3, headers=TEST) == {500: 3}
    assert statuses(proxy, 3) == {200: 3}
    assert statuses(proxy, 3, "/health", CHECK) == {200: 3}


def test_unhealthy_is_for_the_health_check_alone_and_begins_with_traffic(before: Before) -> None:
    proxy = before(Fault(unhealthy=True))
    assert statuses(proxy, 2, "/health", CHECK) == {200: 2}
    assert statuses(proxy, 2, "/health") == {200: 2}
    assert statuses(proxy, 2, "/health?deep=1", CHECK) == {503: 2}
    assert proxy.performed().checks == 2


def test_a_fault_begins_when_it_is_set(before: Before) -> None:
    proxy = before(Fault())
    assert statuses(proxy, 3) == {200: 3}
    proxy.set(Fault(errors=1))
    assert statuses(proxy, 3) == {500: 3}
    proxy.set(Fault())
    assert statuses(proxy, 3) == {200: 3}
    proxy.__exit__()
    assert proxy.performed().errors == 3


def test_a_task_that_hangs_up_or_is_gone_does_so_through_the_proxy(before: Before, task: Target) -> None:
    proxy = before(Fault())
    assert statuses(proxy, 2, "/hang-up") == {0: 2}
    task.shutdown()
    task.server_close()
    assert statuses(proxy, 2) == {0: 2}
    proxy.must_run()


def test_a_connection_closes_when_the_task_closes_it(before: Before) -> None:
    proxy = before(Fault())
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 443\r\nConnection: close\r\n\r\n")
        received = b""
        while data := idle.recv(65536):
            received += data
    assert received.endswith(b"task")


def test_a_client_that_leaves_early_leaves_the_task(before: Before, task: Target) -> None:
    proxy = before(Fault())
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(10) == b"HTTP/1.1 2"
    assert task.left.wait(5)


def test_a_connection_that_is_upgraded_carries_anything(tmp_path: Path) -> None:
    def echo(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            while data := connection.recv(65536):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as task:
        threading.Thread(target=echo, args=(task,), daemon=True).start()
        port = task.getsockname()[1]
        with (
            FaultProxy(port, Fault(), production_port=443, health_path="/", work=tmp_path, logs=tmp_path) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 101")
            for sent in (b"\x00\xff no HTTP", b"GET / HTTP/1.1 nor this"):
                client.sendall(sent)
                assert client.recv(65536) == sent


def test_nonsense_closes_one_connection_and_no_other(before: Before) -> None:
    proxy = before(Fault())
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
        client.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert client.recv(10) == b""
    assert statuses(proxy, 1) == {200: 1}


def actor(**fault: object) -> Actor:
    return Actor(fault=Fault(**fault), production_port="443", health_path="/health")  # type: ignore[arg-type]


def test_times_count_from_the_first_production_request() -> None:
    acts = actor(errors=1, after_s=10, until_s=20)
    assert acts.decide("/", "8443", 0) == "pass"
    at = {second: acts.decide("/", "443", second) for second in (100.0, 109.9, 110.0, 119.9, 120.0)}
    assert [second for second, verdict in at.items() if verdict == "error"] == [110.0, 119.9]


def test_a_task_that_replaces_another_goes_on_with_greens_time(before: Before) -> None:
    proxy = before(Fault(errors=1, after_s=60), since=time.time() - 100)
    assert statuses(proxy, 3) == {500: 3}
    since = proxy.performed().since
    assert since is not None
    assert 99 < time.time() - since < 110


def test_it_shows_only_above_a_rate() -> None:
    acts = actor(errors=1, above_rps=10)
    quiet = {acts.decide("/", "443", 0.2 * index) for index in range(50)}
    busy = Counter(acts.decide("/", "443", 20 + 0.05 * index) for index in range(60))
    assert quiet == {"pass"}
    # The first second fills the window of one second.
    assert 40 <= busy["error"] <= 50


def test_a_share_of_an_endpoint() -> None:
    random.seed(7)
    acts = actor(errors=1, share=0.2, path="/orders")
    counts = Counter((path, acts.decide(path, "443", 1.0)) for path in ("/orders/1", "/other") for _ in range(5000))
    assert counts["/other", "error"] == 0
    assert 850 < counts["/orders/1", "error"] < 1150


def test_the_plans_times_and_greens_rate_become_one_proxys() -> None:
    fault = on_this_stage(Fault(errors=0.1, after_s=600, until_s=1200, above_rps=100), speed=60, tasks=4)
    assert (fault.after_s, fault.until_s, fault.above_rps, fault.errors) == (10, 20, 25, 0.1)


def test_all_requests_of_one_endpoint_fail_whose_share_is_the_simulations() -> None:
    fault = on_this_stage(Fault(errors=1, path="/orders", share=0.1), speed=60, tasks=2)
    acts = Actor(fault=fault, production_port="443", health_path="/")
    assert {acts.decide("/orders/1", "443", 1.0) for _ in range(100)} == {"error"}
    assert acts.decide("/other", "443", 1.0) == "pass"
