"""Real targets behind a real load balancer, some of which misbehave when asked for certain paths."""

import http.server
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seachange.plan.model import HealthCheck
from seachange.rehearsal.stage.envoy import LoadBalancer

HEALTH = HealthCheck(path="/health", interval_s=0.3, timeout_s=0.3, healthy=2, unhealthy=3, codes="200")


class Target(http.server.ThreadingHTTPServer):
    """A target that answers with its colour, and is healthy or not.

    Attributes:
        connections: On how many connections requests came that are no health checks.
        headers: Those of the newest such request.
        left: Set when a client left in the middle of an answer.
    """

    daemon_threads = True

    def __init__(self, colour: str) -> None:
        self.colour = colour
        self.healthy = True
        self.checks = 0
        self.connections = 0
        self.headers = HTTPMessage()
        self.left = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A head and a body in two packets would wait for each other.
    disable_nagle_algorithm = True
    server: Target

    has_served = False

    def do_GET(self) -> None:
        if self.path == "/health":
            self.server.checks += 1
            self._say(200 if self.server.healthy else 503)
            return
        self.server.headers = self.headers
        self.server.connections += not self.has_served
        self.has_served = True
        match self.path.partition("?")[0]:
            case "/hang-up":
                self.close_connection = True
            case "/garbage":
                self.wfile.write(b"no HTTP at all\r\n\r\n")
                self.close_connection = True
            case "/half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
                self.close_connection = True
            case "/silent":
                time.sleep(3)
                self.close_connection = True
            case "/wait":
                time.sleep(0.5)
                self._say(200)
            case "/drip":
                self._drip()
            case "/chunks":
                self._chunks()
            case "/endless":
                self._endless()
            case path if path.startswith("/status/"):
                self._say(int(path.removeprefix("/status/")))
            case _:
                self._say(200)

    def do_POST(self) -> None:
        """Answers with how much was sent."""
        length = self.headers.get("content-length")
        self._say(200, str(len(self.rfile.read(int(length))) if length else self._read_chunks()))

    do_DELETE = do_GET  # noqa: N815 (the base class names it)

    def _say(self, status: int, text: str | None = None) -> None:
        body = (text or self.server.colour).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        """Answers for longer than any idle timeout here, but never idly."""
        self.send_response(200)
        self.send_header("content-length", "6")
        self.end_headers()
        for _ in range(6):
            time.sleep(0.2)
            self.wfile.write(b".")

    def _chunks(self) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in (b"one ", b"two ", b"three", b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            time.sleep(0.05)

    def _read_chunks(self) -> int:
        total = 0
        while size := int(self.rfile.readline(), 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return total

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(500):
                self.wfile.write(b"x" * 1000)
                time.sleep(0.01)
        except OSError:
            self.server.left.set()
        self.close_connection = True

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

    def start(**settings: Any) -> LoadBalancer:
        balancer = LoadBalancer(tmp_path / "envoy", logs=tmp_path, health=HEALTH, **settings)
        started.append(balancer.__enter__())
        for target in targets:
            balancer.register(target.colour, [target.port])
        for target in targets:
            until(lambda colour=target.colour: all_healthy(balancer, colour))  # type: ignore[misc]
        return balancer

    yield start
    for balancer in started:
        balancer.__exit__()


def all_healthy(balancer: LoadBalancer, colour: str) -> bool:
    hosts = balancer.hosts(colour)
    return hosts.total > 0 and not hosts.unhealthy


def until(holds: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Answer(NamedTuple):
    status: int
    body: str
    headers: HTTPMessage


class _Unredirected(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def fetch(port: int, path: str = "/", *, method: str = "GET", timeout_s: float = 10, **headers: str) -> Answer:
    """One request on a connection of its own; `_` in a header's name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=named, method=method)
    try:
        with urllib.request.build_opener(_Unredirected).open(request, timeout=timeout_s) as response:
            return Answer(response.status, response.read().decode(), response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(), error.headers)


def ask(port: int, path: str = "/") -> str:
    """The colour that answers, or the status when it is an error."""
    answer = fetch(port, path)
    return answer.body if answer.status < 400 else str(answer.status)
