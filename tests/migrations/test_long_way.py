"""Work that outlasts a call: the state machine from the construct, in an interpreter of its language, over real workers and PostgreSQL."""

import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs

from seachange import FargateRunner
from seachange.migrations.long_way import LONGEST_S, MOST_WORKERS, VersionWorker, Worker, definition
from seachange.migrations.runner import TaskWorker
from seachange_migrations import __main__ as door
from seachange_migrations.deployed import resource, worker
from seachange_migrations.handler import MigrationFailedError, is_complete
from tests.constructs.apps import new_stack, their_vpc
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
    """The custom resource's polls, AWS around it, and the code of its Lambda; `image` is the directory in an image."""

    image = ""

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


@contextmanager
def deployed(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: Worker) -> Iterator[Deploy]:
    """A database with a table of customers, whose backfill is left to `workers`."""
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
    defined = as_deployed(definition(workers, workers=2))
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


@pytest.fixture
def deploy(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """A database with a table of customers, whose backfill is left to versions of the Lambda."""
    with deployed(database, tmp_path, monkeypatch, VersionWorker(call_s=840)) as made:
        yield made


def test_a_large_backfill_goes_over_ranges_and_is_proven(deploy: Deploy, capsys: pytest.CaptureFixture[str]) -> None:
    deploy.directory.revision("0001a", "0001")
    deploy.directory.revision("0002", "0001a", body=BACKFILL)
    assert deploy.poll("one") == {"IsComplete": False}
    told = capsys.readouterr().out
    assert '"event": "revision_applied", "revision": "0001a"' in told
    assert "it has just begun, for backfill city of about 60,000 rows" in told
    data = deploy.complete("one")
    assert (data["From"], data["Revisions"], data["To"]) == ("0001", "0001a,0002", "0002"), "whichever call did it"
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


TASK_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-migrations:7"


@pytest.fixture
def tasks(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deploy]:
    """The same, with the revisions in an image and not in the Lambda."""
    stack = new_stack()
    cluster = ecs.Cluster.from_cluster_attributes(stack, "Cluster", cluster_name="shop", vpc=their_vpc(stack))
    image = ecs.ContainerImage.from_registry("example.com/shop:1")
    runner = FargateRunner(cluster=cluster, image=image, directory=str(tmp_path / "code/latest/migrations"))
    group = ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-migrations")
    worker = TaskWorker(
        stack, runner=runner, vpc=cluster.vpc, security_group=group, log_group=logs.LogGroup(stack, "Logs")
    )
    with deployed(database, tmp_path, monkeypatch, worker) as made:
        monkeypatch.setenv("MIGRATIONS_TASK", TASK_DEFINITION)
        made.image = runner.directory
        yield made


def test_tasks_of_an_image_migrate_under_the_same_machine(tasks: Deploy) -> None:
    assert tasks.poll("one", Directory=tasks.image) == {"IsComplete": False}
    assert tasks.complete("one", Directory=tasks.image)["To"] == "0002"
    assert tasks.behind() == 0
    [execution] = tasks.machine.executions
    assert [call["range"] for call in execution.calls("range")] == [1, 2, 3, 4]
    assert {call["version"] for call in execution.lines if "version" in call} == {TASK_DEFINITION}


def test_a_task_says_in_one_line_why_it_failed(tasks: Deploy) -> None:
    tasks.directory.revision("0003", "0001", "SELECT 1 / 0")
    tasks.poll("one", Directory=tasks.image, Target="0003")
    [execution] = tasks.machine.executions
    execution.end()
    assert tasks.failure("one", Directory=tasks.image, Target="0003").startswith("revision 0003 failed: DivisionByZero")
    assert len(execution.calls("migrate")) == 1


def test_a_task_that_nobody_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.main({}) == 2
    assert "this is a task of a migration's state machine, which did not start it" in capsys.readouterr().err


def test_a_task_that_nobody_waits_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEARTBEAT_S", 0.05)
    ends: list[float] = []

    def until_abandoned(_: object, time_left: Callable[[], float]) -> dict[str, str]:
        give_up = time.monotonic() + 10
        while time_left() > 0 and time.monotonic() < give_up:
            time.sleep(0.02)
        ends.append(time_left())
        return {"State": "again"}

    monkeypatch.setattr(door, "work", until_abandoned)
    gone = {"__type": "TaskTimedOut", "message": "the execution was stopped"}
    variables = {"SEACHANGE_TASK_TOKEN": "token", "SEACHANGE_WORK": "migrate", "SEACHANGE_REQUEST": "{}"}
    with Endpoint({"SendTaskHeartbeat": [{}, gone], "SendTaskSuccess": gone}) as aws:
        for name, value in {**aws.variables, "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "testing"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        assert door.main(variables) == 1
    assert ends == [0.0]


def test_the_lambda_tells_who_has_no_way_to_the_database(deploy: Deploy) -> None:
    deploy.poll("one")
    deploy.pause(True)
    request = deploy.event("none")["ResourceProperties"]
    answer = is_complete({"Work": "status", "Request": request}, Context())
    assert (answer["revisions"], answer["wanted"], answer["waiting"]) == (["0001"], ["0002"], [])
    [backfill] = answer["backfills"]
    assert (backfill["name"], backfill["paused"], backfill["proven"]) == ("city", True, False)
    assert answer["summary"].startswith("backfill city has written")
