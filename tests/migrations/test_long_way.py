"""Work that outlasts a call: the state machine from the construct, in an interpreter of its language, over real workers and PostgreSQL."""

import json
import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seachange.migrations.long_way import LONGEST_S, MOST_WORKERS, VersionWorker, definition
from seachange_migrations import resource, worker
from seachange_migrations.handler import MigrationFailedError, is_complete
from tests.lambdas.aws import Endpoint
from tests.lambdas.step_functions import MACHINE, StepFunctions, as_deployed
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.deployments import STACK_ID, Context

pytestmark = pytest.mark.slow

ROWS = 60_000
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:master-AbCdEf"
BACKFILL = """
    from seachange_migrations.backfill import Backfill, run
    spec = Backfill(name="city", revision="0002", schema="public", table="customers",
                    assignments={"city": "split_part(address, ',', 2)"}, behind="city IS NULL")
    with op.get_context().autocommit_block():
        run(op.get_bind(), spec)
"""


def stack(status: str) -> str:
    return (
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Shop</StackName>"
        f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>{status}</StackStatus></member></Stacks>"
        "</DescribeStacksResult></DescribeStacksResponse>"
    )


class Deploy:
    """The custom resource's polls, AWS around it, and the code of its Lambda."""

    def __init__(self, database: Database, code: Path, machine: StepFunctions, aws: Endpoint) -> None:
        self.database, self.code, self.machine, self.aws = database, code, machine, aws
        self.directory = AlembicDirectory(code / "migrations")
        self.directory.revision("0001", None, "CREATE TABLE customers (id bigint PRIMARY KEY, address text, city text)")
        self.directory.revision("0002", "0001", body=BACKFILL)

    def event(
        self, request: str, kind: str = "Update", *, age_s: float = 0, content: str = "1", **changes: str
    ) -> dict[str, Any]:
        properties = {
            "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:framework",
            "Phase": "expand",
            "Directory": "migrations",
            "Target": "heads",
            "Roles": "existing",
            "Host": self.database.server.host,
            "Port": str(self.database.server.port),
            "Database": self.database.name,
            "SecretArn": SECRET,
            "ContentHash": content,
            "TimeoutSeconds": "3000",
        }
        named = {"RequestType": kind, "RequestId": request, "StackId": STACK_ID, "LogicalResourceId": "Migrations"}
        return {**named, "StartedAt": time.time() - age_s, "ResourceProperties": {**properties, **changes}}

    def poll(self, *arguments: Any, **changes: Any) -> dict[str, Any]:
        return is_complete(self.event(*arguments, **changes), Context())

    def failure(self, *arguments: Any, **changes: Any) -> str:
        with pytest.raises(MigrationFailedError) as failed:
            self.poll(*arguments, **changes)
        assert len(str(failed.value).encode()) <= 1500
        return str(failed.value)

    def complete(self, request: str, **changes: Any) -> dict[str, Any]:
        """Polls until it is complete."""
        deadline = time.monotonic() + 120
        while not (answer := self.poll(request, **changes))["IsComplete"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        data: dict[str, Any] = answer["Data"]
        return data

    def pause(self, paused: bool) -> None:
        self.database.rows(f"UPDATE seachange.backfill SET paused = {paused}", self.database.master)

    def behind(self) -> int:
        [(count,)] = self.database.rows("SELECT count(*) FROM customers WHERE city IS NULL")
        return int(count)


@pytest.fixture
def deploy(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """A database with a table of customers, whose backfill is left to the workers."""
    code = tmp_path / "code" / "latest"
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "migrate",
        "LAMBDA_TASK_ROOT": str(code),
        "MIGRATIONS_MACHINE": MACHINE,
        "PGSSLMODE": "disable",
        "CALL_S": "90",
        "DEFERRED_ROWS": "10000",
        "RANGES": "4",
        "PYTHONPATH": os.pathsep.join(("constructs", "lambdas")),
    }
    defined = as_deployed(definition(VersionWorker(call_s=840), workers=2))
    machine = StepFunctions(defined, root=code, variables=variables)
    master = {"username": database.master.user, "password": database.master.password}
    answers = {
        **machine.answers,
        "GetSecretValue": {"ARN": SECRET, "Name": "master", "SecretString": json.dumps(master)},
        "DescribeStacks": stack("UPDATE_IN_PROGRESS"),
    }
    monkeypatch.setattr(resource, "DEFERRED_ROWS", 10_000)
    with Endpoint(answers) as aws:
        machine.variables |= aws.variables
        for name, value in machine.variables.items():
            monkeypatch.setenv(name, value)
        made = Deploy(database, code, machine, aws)
        assert made.poll("create", "Create", Target="0001")["IsComplete"]
        database.rows(
            f"INSERT INTO customers SELECT n, n || ' Main Street,Springfield ' || n FROM generate_series(1, {ROWS}) n; ANALYZE customers",
            database.master,
        )
        try:
            yield made
        finally:
            machine.close()


def test_a_large_backfill_goes_over_ranges_and_is_proven(deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.poll("one") == {"IsComplete": False}
    assert "does it: it has just begun, for backfill city of about 60,000 rows" in capsys.readouterr().out
    data = deploy.complete("one")
    assert (data["Revisions"], data["To"]) == ("0002", "0002")
    assert deploy.behind() == 0
    [execution] = deploy.machine.executions
    assert execution.name == "1-one"
    assert [call["range"] for call in execution.calls("range")] == [1, 2, 3, 4]
    assert len(execution.calls("migrate")) == 2, "one that finds the backfill, one that proves it"
    assert "backfill city has written" in capsys.readouterr().out
    again = deploy.poll("two")
    assert (again["IsComplete"], again["Data"]["Revisions"]) == (True, "")
    assert len(deploy.machine.executions) == 1, "what a call can do needs no machine"


def test_a_worker_that_is_killed_is_followed_by_another(deploy: Deploy) -> None:
    deploy.poll("one")
    [execution] = deploy.machine.executions
    written = "SELECT number FROM seachange.backfill_range WHERE rows_done > 0 AND NOT finished AND number > 0"
    execution.wait(lambda: bool(execution.calls("range")) and bool(deploy.database.rows(written)))
    victim = execution.calls("range")[0]
    os.kill(victim["pid"], signal.SIGKILL)
    execution.end()
    assert (execution.status, deploy.behind()) == ("SUCCEEDED", 0)
    numbers = [call["range"] for call in execution.calls("range")]
    assert numbers.count(victim["range"]) == 2
    assert deploy.complete("one")["To"] == "0002"


@pytest.fixture
def paused(deploy: Deploy) -> Deploy:
    """A deployment whose backfill has gone to the machine and is paused there."""
    deploy.poll("one")
    deploy.pause(True)
    [execution] = deploy.machine.executions
    execution.wait(lambda: len(execution.calls("range")) == 2)
    return deploy


def test_at_its_deadline_the_resource_fails_and_the_work_goes_on(paused: Deploy) -> None:
    message = paused.failure("one", age_s=3001)
    assert message.startswith(
        "the migration had not finished after 3000 s: execution 1-one of the migration's state machine does it: "
    )
    assert (
        "backfill city has written 0 of about 60,000 rows (0 %), 0 of 4 ranges are finished, and is paused" in message
    )
    assert "It goes on by itself, and the next deploy waits for it" in message
    # CloudFormation rolls the stack back: the code of before, and an event with the properties of before.
    (paused.code / "migrations" / "versions" / "0002.py").unlink()
    paused.aws.answers["DescribeStacks"] = stack("UPDATE_ROLLBACK_IN_PROGRESS")
    assert paused.poll("rollback", content="0", Target="0001")["IsComplete"] is True
    [execution] = paused.machine.executions
    assert execution.status == "RUNNING"
    # The next deploy brings the same release, or a later one, and waits.
    paused.directory.revision("0002", "0001", body=BACKFILL)
    paused.aws.answers["DescribeStacks"] = stack("UPDATE_IN_PROGRESS")
    assert paused.poll("two") == {"IsComplete": False}
    assert paused.poll("three", content="2") == {"IsComplete": False}
    paused.pause(False)
    assert paused.complete("three", content="2")["To"] == "0002"
    assert paused.machine.executions == [execution]
    assert {call["version"] for call in execution.lines if "version" in call} == {"1"}
    assert paused.behind() == 0


def test_stopped_by_hand_it_says_so_and_the_next_deploy_takes_it_up(paused: Deploy) -> None:
    paused.machine.executions[0].stop()
    assert paused.failure("one") == (
        "execution 1-one of the migration's state machine was stopped by hand. What was committed stays, and the next deploy goes on from there."
    )
    paused.pause(False)
    assert paused.complete("two")["To"] == "0002"
    assert [execution.name for execution in paused.machine.executions] == ["1-one", "1-two"]


def test_an_event_that_comes_twice_starts_one_execution(paused: Deploy) -> None:
    for _ in range(2):
        assert paused.poll("one") == {"IsComplete": False}
    machine = resource.Machine.configured()
    assert machine is not None
    assert machine.start(paused.event("one")) == "1-one"
    assert len(paused.machine.executions) == 1


def test_what_fails_in_the_machine_is_told_in_its_own_words(deploy: Deploy) -> None:
    deploy.directory.revision("0003", "0002", "SELECT 1 / 0")
    deploy.poll("one")
    [execution] = deploy.machine.executions
    execution.end()
    assert execution.status == "FAILED"
    assert len(execution.calls("migrate")) == 2, "the engine's own word is final"
    message = deploy.failure("one")
    assert message.startswith("revision 0003 failed: DivisionByZero: division by zero")
    assert "DivisionByZero" in deploy.failure("two"), "the next deploy tries by itself"


def test_revisions_that_outlast_a_call(deploy: Deploy) -> None:
    deploy.database.rows("DELETE FROM customers; ANALYZE customers", deploy.database.master)
    deploy.directory.revision("0003", "0002", "SELECT pg_sleep(1)")
    deploy.directory.revision("0004", "0003", "SELECT pg_sleep(1)")
    short = Context(resource.RESERVE_S + 1.5)
    assert is_complete(deploy.event("one"), short) == {"IsComplete": False}
    assert deploy.complete("one")["To"] == "0004"
    [execution] = deploy.machine.executions
    assert not execution.calls("range")


def test_its_history_ends_within_its_days() -> None:
    """Step Functions ends an execution at 25,000 events (its quotas), with an error that says nothing of the migration."""
    machine = definition(VersionWorker(call_s=14 * 60), workers=MOST_WORKERS)
    loop = machine["States"]["Backfill"]["ItemProcessor"]["States"]
    assert (loop["Range"]["Next"], loop["Is the range done?"]["Default"]) == ("Is the range done?", "Range")
    task, choice = 5, 2  # entered, scheduled, started, succeeded, exited; entered, exited
    shortest_call_s = 14 * 60 - resource.RESERVE_S - 2 * worker.PAUSE_S
    rounds = math.ceil(LONGEST_S / shortest_call_s)
    assert rounds * MOST_WORKERS * (task + choice) + 1_000 < 25_000
    assert machine["TimeoutSeconds"] == LONGEST_S == 7 * 24 * 3600
