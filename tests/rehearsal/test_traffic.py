"""The load as the rehearsal drives it: started from a configuration, slowed, stopped, counted."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.errors import StageError
from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.traffic import Traffic

from .answering import Server, answering
from .test_config import WHOLE

pytestmark = pytest.mark.slow

LOADS = {
    "mix": "[[load.requests]]\npath = '/items/{{item}}'\nexpect = [200]\nheaders = { A = 'b' }\n",
    "function": "function = 'traffic:ask'\n",
    "replay": "[load.replay]\nlog = 'access.log'\n",
}


@dataclass(frozen=True)
class _Listener:
    """All that a load needs of a load balancer."""

    production_port: int
    host: str = "127.0.0.1"


@pytest.fixture
def server() -> Iterator[Server]:
    with answering() as server:
        yield server


def start(folder: Path, server: Server, load: str, *, rate: float = 100) -> Traffic:
    (folder / "seed.sql").write_text("")
    (folder / "traffic.py").write_text(
        "def ask(random, values): return {'path': f'/items/{values[\"item\"][0]}', 'expect': [200]}"
    )
    (folder / "access.log").write_text('h - - [25/Nov/2026:13:00:00 +0000] "GET /items/a?b=c HTTP/1.1" 200 5\n')
    (folder / "rehearsal.toml").write_text(
        WHOLE.replace('[[load.requests]]\npath = "/"\nexpect = [200]\n', "values = { item = 'SELECT 1' }\n" + load)
    )
    work = folder / "work"
    work.mkdir()
    return Traffic(
        RehearsalConfig.load(folder / "rehearsal.toml"),
        {"item": ["a"]},
        rate=rate,
        max_s=60,
        idle_timeout_s=60,
        balancer=cast("LoadBalancer", _Listener(server.port)),
        work=work,
        logs=folder / "logs",
    )


def settled(traffic: Traffic) -> int:
    """How many requests have been sent once the totals stay as they are."""
    sent = -1
    while sent != (sent := traffic.totals().sent):
        time.sleep(0.6)
    return sent


@pytest.mark.parametrize("load", LOADS)
def test_the_rate_changes_while_it_runs(tmp_path: Path, server: Server, load: str) -> None:
    traffic = start(tmp_path, server, LOADS[load])
    try:
        while traffic.totals().done < 50:
            time.sleep(0.05)
        traffic.set_rate(0)
        paused = settled(traffic)
        assert paused >= 50
        began = time.time()
        traffic.set_rate(200)
        time.sleep(0.5)
        traffic.set_rate(0)
        lasted = time.time() - began
        more = settled(traffic) - paused
        assert abs(more - 200 * lasted) <= 2
        records = traffic.end()
    finally:
        traffic.abort()
    assert len(records) == paused + more == len(server.asked)
    assert not [record for record in records if record.problem]
    assert {asked.path for asked in server.asked} == {"/items/a"}


def test_a_load_that_cannot_be_made_is_told_in_one_line(tmp_path: Path, server: Server) -> None:
    traffic = start(tmp_path, server, LOADS["function"].replace("ask", "tell"))

    def watched() -> None:
        while traffic.totals():
            time.sleep(0.05)

    try:
        with pytest.raises(
            StageError, match=r"load ended with code 2: .*'traffic:tell' cannot be imported from"
        ) as told:
            watched()
    finally:
        traffic.abort()
    assert "\n" not in str(told.value)
