"""The load generator, as a process, against a real HTTP server on the loopback interface."""

import http.server
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.load import Record, read_records

pytestmark = pytest.mark.slow


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: list[Any] = []  # noqa: RUF012 (shared on purpose: the test reads what came in)
    pause = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/close":
            self.close_connection = True
            self.connection.close()
            return
        if self.pause.is_set():
            time.sleep(0.6)
        self._answer(500 if self.path == "/broken" else 200)

    def do_POST(self) -> None:
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self._answer(201)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    _Handler.bodies.clear()
    yield httpd.server_address[1]
    httpd.shutdown()
    httpd.server_close()


def request(path: str, method: str = "GET", body: object = None, expect: tuple[int, ...] = (200,)) -> dict[str, Any]:
    return {"weight": 1, "method": method, "path": path, "body": body, "expect": expect}


def load(
    tmp_path: Path, port: int, requests: list[dict[str, Any]], *, rate: float, seconds: float, **values: list[Any]
) -> list[Record]:
    records, control = tmp_path / "records.tsv", tmp_path / "load.control"
    control.unlink(missing_ok=True)
    os.mkfifo(control)
    spec = {
        "cookies": False,
        "control": str(control),
        "requests": requests,
        "values": values,
        "rate": rate,
        "max_s": seconds,
        "host": "127.0.0.1",
        "port": port,
        "records": str(records),
    }
    (tmp_path / "load.json").write_text(json.dumps(spec))
    done = subprocess.run(
        [sys.executable, "-m", "seachange.rehearsal.load", str(tmp_path / "load.json")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    totals = json.loads(done.stdout.splitlines()[-1])
    found = read_records(records)
    assert totals == {"sent": len(found), "done": len(found), "failed": sum(bool(record.problem) for record in found)}
    return found


def test_the_rate_is_constant_and_values_are_filled_in(tmp_path: Path, server: int) -> None:
    body = {"name": "{{name}}", "key": "{{unique}}"}
    records = load(
        tmp_path, server, [request("/x", "POST", body, (201,))], rate=200, seconds=1, name=['a "quoted" name']
    )
    assert 195 <= len(records) <= 202
    intended = sorted(record.intended for record in records)
    assert all(abs(second - first - 1 / 200) < 1e-3 for first, second in itertools.pairwise(intended))
    assert not [record for record in records if record.problem]
    assert {body["name"] for body in _Handler.bodies} == {'a "quoted" name'}
    assert len({body["key"] for body in _Handler.bodies}) == len(records)


def test_failures_are_counted_with_their_cause(tmp_path: Path, server: int) -> None:
    assert {record.problem for record in load(tmp_path, server, [request("/broken")], rate=50, seconds=0.5)} == {
        "status 500"
    }
    closed = load(tmp_path, server, [request("/close")], rate=50, seconds=0.5)
    assert closed
    assert all(record.problem and record.status == 0 for record in closed)


def test_nobody_listening_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    records = load(tmp_path, 9, [request("/")], rate=50, seconds=0.2)
    assert records
    assert all("ConnectionRefusedError" in record.problem for record in records)


def test_a_pause_is_seen_in_full_for_latency_counts_from_the_intended_time(tmp_path: Path, server: int) -> None:
    _Handler.pause.set()
    try:
        records = load(tmp_path, server, [request("/")], rate=50, seconds=1)
    finally:
        _Handler.pause.clear()
    # An open model goes on sending while nothing is answered, so every request of the pause is late.
    assert len(records) >= 48
    assert min(record.latency_s for record in records) >= 0.6
