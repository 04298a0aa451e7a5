"""In AWS a backfill knows from CloudWatch how much storage its instance has left, and pauses while that is little."""

import json
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import ANY, Stubber

from seachange_migrations.deployed import free_storage, worker
from seachange_migrations.deployed.carry_out import RESERVE_S
from seachange_migrations.deployed.free_storage import FreeStorage
from tests.migrations.deployments import Context, Deployment

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

GIB = 2.0**30
METRIC = "get_metric_statistics"
ASKED = {
    "Namespace": "AWS/RDS",
    "MetricName": "FreeStorageSpace",
    "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "shop"}],
    "StartTime": ANY,
    "EndTime": ANY,
    "Period": 60,
    "Statistics": ["Minimum"],
}


def least(*gib: float) -> dict[str, Any]:
    return {"Label": "FreeStorageSpace", "Datapoints": [{"Minimum": each * GIB, "Unit": "Bytes"} for each in gib]}


def soon(happened: Callable[[], bool]) -> None:
    """Waits for what another thread does."""
    deadline = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Told(list[Mapping[str, object]]):
    """What was told."""

    def reasons(self) -> list[object]:
        assert {event["event"] for event in self} <= {"free_storage_unknown"}
        return [event["reason"] for event in self]


pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("cloudwatch")
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        yield stubber


def test_it_is_the_least_of_the_last_minutes_and_asked_for_once_a_minute(
    cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudwatch.add_response(METRIC, least(3, 1, 2), ASKED)
    cloudwatch.add_response(METRIC, least(5), ASKED)
    told = Told()
    free = FreeStorage("shop", told.append)
    assert [free() for _ in range(100)] == [GIB] * 100
    monkeypatch.setattr(free_storage, "EVERY_S", 0.0)
    assert free() in (GIB, 5 * GIB)
    monkeypatch.setattr(free_storage, "EVERY_S", 60.0)
    soon(lambda: free() == 5 * GIB)
    cloudwatch.assert_no_pending_responses()
    assert told == []


def test_the_window_ends_now(cloudwatch: Stubber) -> None:
    seen: list[Mapping[str, Any]] = []
    cloudwatch.client.meta.events.register("provide-client-params.cloudwatch", lambda params, **_: seen.append(params))
    cloudwatch.add_response(METRIC, least(3), ASKED)
    FreeStorage("shop", Told().append)()
    [asked] = seen
    assert (asked["EndTime"] - asked["StartTime"]).total_seconds() == 300
    assert abs(asked["EndTime"].timestamp() - time.time()) < 30


def test_what_nobody_knows_is_said_once_and_pauses_nothing(
    cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudwatch.add_response(METRIC, least(), ASKED)
    cloudwatch.add_client_error(METRIC, "AccessDenied", "not allowed to", expected_params=ASKED)
    cloudwatch.add_response(METRIC, least(1), ASKED)
    told = Told()
    free = FreeStorage("shop", told.append)
    assert free() == math.inf
    soon(lambda: len(told) == 1)
    monkeypatch.setattr(free_storage, "EVERY_S", 0.02)
    soon(lambda: free() == GIB)
    monkeypatch.setattr(free_storage, "EVERY_S", 60.0)
    cloudwatch.assert_no_pending_responses()
    assert told.reasons() == ["CloudWatch has no point of the last minutes; is it the identifier of an instance?"]
    assert told[0]["instance"] == "shop"


def test_what_was_known_outlives_a_failed_call_but_not_for_long(
    cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudwatch.add_response(METRIC, least(1), ASKED)
    for _ in range(2):
        cloudwatch.add_client_error(METRIC, "Throttling", expected_params=ASKED)
    told = Told()
    free = FreeStorage("shop", told.append)
    assert free() == GIB
    monkeypatch.setattr(free_storage, "EVERY_S", 0.0)
    free()
    monkeypatch.setattr(free_storage, "EVERY_S", 60.0)
    soon(lambda: len(told) == 1)
    assert free() == GIB
    monkeypatch.setattr(free_storage, "EVERY_S", 0.0)
    monkeypatch.setattr(free_storage, "WINDOW", timedelta())
    free()
    monkeypatch.setattr(free_storage, "EVERY_S", 60.0)
    soon(lambda: free() == math.inf)
    assert len(told) == 1


def test_no_batch_waits_for_a_slow_answer(cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()

    def slow(**_: object) -> None:
        answer.wait(10)

    cloudwatch.client.meta.events.register("provide-client-params.cloudwatch", slow)
    cloudwatch.add_response(METRIC, least(1), ASKED)
    monkeypatch.setattr(free_storage, "FIRST_ANSWER_S", 0.2)
    free = FreeStorage("shop", Told().append)
    started = time.monotonic()
    assert [free() for _ in range(100)] == [math.inf] * 100
    assert time.monotonic() - started < 2, "the first alone waits, and not for long"
    answer.set()
    soon(lambda: free() == GIB)


def test_a_network_without_a_way_there_costs_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert free_storage.SECONDS_TO_CONNECT + free_storage.SECONDS_TO_READ <= 5
    patience = free_storage.PATIENCE.merge(Config(read_timeout=0.2))
    monkeypatch.setattr(free_storage, "PATIENCE", patience)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        told = Told()
        assert FreeStorage("shop", told.append)() == math.inf
        soon(lambda: len(told) == 1)
        silent.accept()[0].close()
        silent.settimeout(0.5)
        with pytest.raises(TimeoutError):
            silent.accept()
    [reason] = told.reasons()
    assert str(reason).startswith("Read timeout on endpoint URL")


BACKFILL = """
    op.backfill("customers", set={"city": "address"}, where="city IS NULL", name="city")
"""


@pytest.fixture
def full_and_roomy(deployment: Deployment) -> Deployment:
    """A backfill of 300 rows ahead; of the two instances `full` has 1 GiB left, `roomy` 10."""
    deployment.run(Target="0001")
    deployment.directory.revision("0004", "0002", body=BACKFILL)
    deployment.database.rows(
        "INSERT INTO customers SELECT n, 'Main Street ' || n FROM generate_series(1, 300) AS n",
        deployment.database.owner,
    )
    client = boto3.client("cloudwatch")
    for instance, gib in (("full", 1), ("roomy", 10)):
        value: MetricDatumTypeDef = {
            "MetricName": "FreeStorageSpace",
            "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance}],
            "Timestamp": datetime.now(UTC) - timedelta(minutes=1),
            "Value": gib * GIB,
        }
        client.put_metric_data(Namespace="AWS/RDS", MetricData=[value])
    return deployment


class Ending(Context):
    """The context of a call whose time runs out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._ends = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._ends - time.monotonic()))


def pauses(output: str) -> set[object]:
    events = [json.loads(line) for line in output.splitlines()]
    return {event["paused"] for event in events if event["event"] == "backfill" and event["paused"]}


def behind(deployment: Deployment) -> int:
    [(count,)] = deployment.database.rows(
        "SELECT count(*) FROM customers WHERE city IS NULL", deployment.database.owner
    )
    return int(count)


@pytest.mark.slow
def test_the_lambda_pauses_a_backfill_while_its_instance_is_full(
    full_and_roomy: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    short = Ending(RESERVE_S + 6)
    answer = full_and_roomy.run(context=short, Target="0004", InstanceIdentifier="full")
    assert answer == {"IsComplete": False}
    assert behind(full_and_roomy) == 300
    output = capsys.readouterr().out
    assert pauses(output) == {"1.0 GiB of storage are left"}
    assert "it pauses: 1.0 GiB of storage are left" in output
    assert full_and_roomy.run(Target="0004", InstanceIdentifier="roomy")["IsComplete"] is True
    assert behind(full_and_roomy) == 0
    assert not pauses(capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize(("named", "times"), [("member-of-a-cluster", 1), ("", 0)])
def test_where_nobody_knows_the_lambda_goes_on(
    full_and_roomy: Deployment, capsys: pytest.CaptureFixture[str], named: str, times: int
) -> None:
    assert full_and_roomy.run(Target="0004", InstanceIdentifier=named)["IsComplete"] is True
    assert behind(full_and_roomy) == 0
    assert capsys.readouterr().out.count("free_storage_unknown") == times


@pytest.mark.slow
def test_so_do_the_workers_of_the_long_way(
    full_and_roomy: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(worker, "DEFERRED_ROWS", 100)
    monkeypatch.setattr(worker, "RANGES", 2)

    def work(kind: str, instance: str, seconds: float = 60, **more: Any) -> dict[str, Any]:
        properties = {**full_and_roomy.properties, "Target": "0004", "InstanceIdentifier": instance}
        ends = time.monotonic() + seconds
        message = {"Work": kind, "Request": properties, **more}
        return worker.work(message, lambda: ends - time.monotonic())

    full_and_roomy.database.rows("ANALYZE customers", full_and_roomy.database.owner)
    answer = work("migrate", "full")
    assert answer["State"] == "backfill"
    [first, second] = answer["Ranges"]
    capsys.readouterr()
    assert work("range", "full", 5, Range=first) == {"State": "again"}
    assert pauses(capsys.readouterr().out) == {"1.0 GiB of storage are left"}
    assert behind(full_and_roomy) == 300
    for each in (first, second):
        assert work("range", "roomy", Range=each) == {"State": "done"}
    assert work("migrate", "full")["State"] == "done", "what is proven asks nobody"
    assert behind(full_and_roomy) == 0
