"""The load generator, as a process, against a real HTTP server on the loopback interface."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.load import Record, read_records

from .answering import Server, answering

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def request(path: str, method: str = "GET", body: object = None, expect: tuple[int, ...] = (200,)) -> dict[str, Any]:
    return {"path": path, "method": method, "body": body, "expect": expect}


class Load:
    """A running load; its specification is the given keys over an even GET of `/` at 100 per second."""

    def __init__(self, folder: Path, port: int, **spec: Any) -> None:
        self._records, self._control = folder / "records.tsv", folder / "load.control"
        self._control.unlink(missing_ok=True)
        os.mkfifo(self._control)
        defaults: dict[str, Any] = {
            "requests": [request("/")],
            "replay": None,
            "function": None,
            "directory": str(folder),
            "values": {},
            "cookies": False,
            "rate": 100,
            "max_s": 60,
            "keep_idle_s": 30,
            "host": "127.0.0.1",
            "port": port,
            "records": str(self._records),
            "control": str(self._control),
        }
        path = folder / "load.json"
        path.write_text(json.dumps(defaults | spec))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seachange.rehearsal.load", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._pipe = os.open(self._control, os.O_RDWR)

    def set_rate(self, rate: float, at: float) -> None:
        os.write(self._pipe, (json.dumps({"rate": rate, "at": at}) + "\n").encode())

    def end(self) -> list[Record]:
        """Waits for its end; its records."""
        stdout, stderr = self.process.communicate(timeout=60)
        os.close(self._pipe)
        assert self.process.returncode == 0, stderr
        found = read_records(self._records)
        totals = json.loads(stdout.splitlines()[-1])
        failed = sum(bool(record.problem) for record in found)
        assert totals == {"sent": len(found), "done": len(found), "failed": failed}
        assert sorted(record.number for record in found) == list(range(1, len(found) + 1))
        return sorted(found, key=lambda record: record.number)


def test_the_rate_is_constant_and_values_are_filled_in(tmp_path: Path, server: Server) -> None:
    body = {"name": "{{name}}", "key": "{{unique}}"}
    kinds = [
        request("/x/{{name}}", "POST", body) | {"headers": {"Authorization": "Bearer {{unique}}", "X-Kind": "seal"}}
    ]
    load = Load(tmp_path, server.port, requests=kinds, rate=200, max_s=1, values={"name": ['a"quoted"name']})
    records = load.end()
    assert len(records) == 201
    assert all(abs(second.intended - first.intended - 1 / 200) < 1e-5 for first, second in itertools.pairwise(records))
    assert not [record for record in records if record.problem]
    assert {(record.method, record.path) for record in records} == {("POST", "/x/{{name}}")}
    assert {asked.path for asked in server.asked} == {'/x/a"quoted"name'}
    assert {json.loads(asked.body)["name"] for asked in server.asked} == {'a"quoted"name'}
    assert len({json.loads(asked.body)["key"] for asked in server.asked}) == len(records)
    assert len({asked.headers["authorization"] for asked in server.asked}) == len(records)
    assert {(asked.headers["x-kind"], asked.headers["content-type"]) for asked in server.asked} == {
        ("seal", "application/json")
    }


def test_each_request_carries_its_number(tmp_path: Path, server: Server) -> None:
    records = Load(tmp_path, server.port, max_s=0.5).end()
    assert sorted(int(asked.headers["x-seachange-request"]) for asked in server.asked) == [
        record.number for record in records
    ]


def test_failures_are_counted_with_their_cause(tmp_path: Path, server: Server) -> None:
    broken = Load(tmp_path, server.port, requests=[request("/broken")], max_s=0.5).end()
    assert {(record.status, record.problem) for record in broken} == {(500, "status 500")}
    closed = Load(tmp_path, server.port, requests=[request("/close")], max_s=0.5).end()
    assert {(record.status, record.problem) for record in closed} == {
        (0, "EOFError: the connection was closed before the answer was complete")
    }


def test_nobody_listening_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    records = Load(tmp_path, 9, max_s=0.2).end()
    assert records
    assert all("ConnectionRefusedError" in record.problem for record in records)


def test_a_pause_of_the_service_is_seen_in_full_for_latency_counts_from_the_intended_time(
    tmp_path: Path, server: Server
) -> None:
    records = Load(tmp_path, server.port, requests=[request("/slow")], rate=50, max_s=1).end()
    # An open model goes on sending while nothing is answered, so every request of the pause is late.
    assert len(records) == 51
    assert min(record.latency_s for record in records) >= 0.6


def test_more_connections_than_select_takes(tmp_path: Path, server: Server) -> None:
    records = Load(tmp_path, server.port, requests=[request("/slow")], rate=2500, max_s=0.8).end()
    assert not [record for record in records if record.problem]
    assert server.connections > 1024


def test_as_many_requests_are_sent_as_the_rates_integral_says(tmp_path: Path, server: Server) -> None:
    load = Load(tmp_path, server.port, rate=100)
    time.sleep(1)
    changes = [(0.0, 100.0)]
    for rate in (0, 250, 33, 0, 120):
        at = time.time()
        load.set_rate(rate, at)
        changes.append((at, rate))
        time.sleep(0.3)
    end = time.time()
    load.set_rate(0, end)
    time.sleep(0.3)
    load.process.send_signal(signal.SIGTERM)
    records = load.end()
    assert not [record for record in records if record.problem]
    start = records[0].intended
    spans = zip(changes, [*(at for at, _ in changes[1:]), end], strict=True)
    expected = sum(rate * (until - max(since, start)) for (since, rate), until in spans)
    assert 0 <= len(records) - expected <= 1 + 1e-6
    pauses = [(since, until) for (since, rate), (until, _) in itertools.pairwise(changes) if rate == 0]
    assert len(pauses) == 2
    assert not [
        record for record in records for since, until in pauses if since < record.intended < until and record.intended
    ]


def test_a_clients_cookies_stay_its_own_and_survive_its_connection(tmp_path: Path, server: Server) -> None:
    kinds = [request("/cookie"), request("/plain"), request("/slow") | {"weight": 0.1}]
    Load(tmp_path, server.port, requests=kinds, cookies=True, rate=60, max_s=2).end()
    given: dict[int, str] = {}
    carried = 0
    for asked in server.asked:
        assert asked.headers.get("cookie") == given.get(asked.connection)
        carried += asked.connection in given
        if asked.path == "/cookie":
            given[asked.connection] = f"client=c{asked.connection}"
    assert carried > 20


def test_a_cookie_follows_its_client_to_the_next_connection(tmp_path: Path, server: Server) -> None:
    log = [("GET", f"/{name}") for name in ("cookie", "close", "after", "forget", "last")]
    Load(tmp_path, server.port, replay={"requests": log, "positions": None}, cookies=True, rate=10, max_s=0.45).end()
    assert [(asked.path, asked.connection, asked.headers.get("cookie")) for asked in server.asked] == [
        ("/cookie", 1, None),
        ("/close", 1, "client=c1"),
        ("/after", 2, "client=c1"),
        ("/forget", 2, "client=c1"),
        ("/last", 2, None),
    ]


def test_a_replayed_request_may_be_refused_but_not_end_in_a_servers_error(tmp_path: Path, server: Server) -> None:
    log = {"requests": [("GET", "/absent"), ("GET", "/broken"), ("HEAD", "/7")], "positions": None}
    records = Load(tmp_path, server.port, replay=log, rate=20, max_s=0.12).end()
    assert [(record.method, record.path, record.status, record.problem) for record in records] == [
        ("GET", "/absent", 404, ""),
        ("GET", "/broken", 500, "status 500"),
        ("HEAD", "/*", 200, ""),
    ]


@pytest.mark.parametrize(("keep_idle_s", "connections"), [(0.5, 1), (0.1, 4)])
def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    tmp_path: Path, server: Server, keep_idle_s: float, connections: int
) -> None:
    records = Load(tmp_path, server.port, keep_idle_s=keep_idle_s, rate=5, max_s=0.7).end()
    assert [record.problem for record in records] == [""] * 4
    assert server.connections == connections


def test_without_cookies_none_are_kept(tmp_path: Path, server: Server) -> None:
    Load(tmp_path, server.port, requests=[request("/cookie")], max_s=0.3).end()
    assert not [asked for asked in server.asked if "cookie" in asked.headers]


def test_head_has_no_body_whatever_it_announces(tmp_path: Path, server: Server) -> None:
    records = Load(tmp_path, server.port, requests=[request("/", "HEAD")], max_s=0.5).end()
    assert not [record for record in records if record.problem]
    assert server.connections < len(records) / 4


def test_a_log_is_replayed_in_its_order_and_timing_and_from_its_beginning_again(tmp_path: Path, server: Server) -> None:
    log = {"requests": [("GET", f"/{name}") for name in "abcd"], "positions": [0, 0.5, 0.5, 3]}
    records = Load(tmp_path, server.port, replay=log, rate=20, max_s=0.3).end()
    assert "".join(record.path[1:] for record in records) == "abcdabc"
    start = records[0].intended
    assert [record.intended - start for record in records] == pytest.approx(
        [0, 0.025, 0.025, 0.15, 0.2, 0.225, 0.225], abs=1e-5
    )


FUNCTION = """
def ask(random, values):
    key = random.choice(values["key"])
    if key == "bad":
        raise KeyError("key")
    return {"path": f"/things/{key}", "method": "PUT", "body": {"n": random.randint(1, 6)}, "expect": [200]}
"""


def test_a_function_gives_the_requests(tmp_path: Path, server: Server) -> None:
    (tmp_path / "shop.py").write_text(FUNCTION)
    records = Load(tmp_path, server.port, function="shop:ask", values={"key": ["k-1", "k-2"]}, max_s=0.5).end()
    assert not [record for record in records if record.problem]
    # The report knows no values.
    assert {record.path for record in records} == {"/things/*"}
    assert {asked.path for asked in server.asked} == {"/things/k-1", "/things/k-2"}
    assert {json.loads(asked.body)["n"] for asked in server.asked} <= set(range(1, 7))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (FUNCTION, "[load] function shop:ask failed: KeyError: 'key'"),
        ("ask = 1", "[load] function 'shop:ask' is no function"),
        ("import absent", "cannot be imported from"),
        ("def ask(random, values): return 'x'", "a request that cannot be sent: it is neither a Request nor a mapping"),
        ("def ask(random, values): return {'path': '/'}", "a request that cannot be sent: `expect` is missing"),
        ("def ask(random, values): return {'path': '/a b', 'expect': [200]}", "`path` must begin with /"),
        ("def ask(random, values): return {'path': '/', 'expect': [200], 'methd': 'GET'}", "'methd'"),
        ("def ask(random, values): return {'path': '/', 'expect': [200], 'name': 'a\\tb'}", "`name` must be one line"),
    ],
)
def test_a_function_that_gives_none_ends_the_load_with_one_line(
    tmp_path: Path, server: Server, source: str, said: str
) -> None:
    (tmp_path / "shop.py").write_text(source)
    load = Load(tmp_path, server.port, function="shop:ask", values={"key": ["bad"]})
    _, stderr = load.process.communicate(timeout=30)
    assert load.process.returncode == 2
    assert said in stderr
    assert len(stderr.splitlines()) == 1


@pytest.mark.alone
def test_at_300_requests_per_second_the_load_itself_is_on_time(tmp_path: Path, server: Server) -> None:
    """The send lag's 99th percentile; of three runs the best one, for the machine may be busy with something else."""
    lags = []
    for _ in range(3):
        records = Load(tmp_path, server.port, rate=300, max_s=4).end()
        lags.append(sorted(record.lag_s for record in records)[round(len(records) * 0.99)])
        if lags[-1] < 0.005:
            return
        time.sleep(random.uniform(0.5, 2))
    pytest.fail(f"send lag p99: {', '.join(f'{1000 * lag:.1f} ms' for lag in lags)}")
