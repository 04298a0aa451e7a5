"""What a failed or unfinished migration comes to: while the stack rolls back, when time is up, when nobody answers."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError
from botocore.stub import Stubber

from seachange_migrations import migrate as migration
from seachange_migrations.deployed import aws
from seachange_migrations.deployed.resource import RESERVE_S
from seachange_migrations.locks import lock_key
from tests.migrations.deployments import Context, Deployment

pytestmark = pytest.mark.slow

REPEATED = {"IsComplete": False}
AFTER_GRACE_S = 181.0


@contextmanager
def lock_held(deployment: Deployment) -> Iterator[None]:
    with deployment.database.connect(application_name="another deployer") as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(deployment.database.name)])
        yield


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "LOCK_PATIENCE_S", 0.0)


GONE = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-AbCdEf"
Trouble = tuple[Callable[[], dict[str, str]], Callable[[Deployment], AbstractContextManager[None]], float]
TROUBLES: dict[str, Trouble] = {
    "database unreachable": (lambda: {"Port": closed_port()}, lambda _: nullcontext(), 840),
    "secret unreadable": (lambda: {"SecretArn": GONE}, lambda _: nullcontext(), 840),
    "lock held": (dict, lock_held, 840),
    "out of time": (dict, lambda _: nullcontext(), RESERVE_S),
    "bad request": (lambda: {"Phase": "shrink"}, lambda _: nullcontext(), 840),
}
FAILURES = {
    "database unreachable": "cannot connect to database",
    "secret unreadable": "ResourceNotFoundException",
    "bad request": "property Phase",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_stack_rollback_never_sticks(
    deployment: Deployment, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.stack_is("UPDATE_ROLLBACK_IN_PROGRESS")
    changes, around, seconds = TROUBLES[trouble]
    with around(deployment):
        answer = deployment.run("Update", context=Context(seconds), **changes())
    assert answer["IsComplete"] is True
    assert (answer["Data"]["To"], answer["Data"]["Revisions"]) == ("", "")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "rolling_back"


@pytest.mark.parametrize("asked", ["answered", "refused"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_without_a_rollback_it_fails_or_is_repeated(deployment: Deployment, trouble: str, asked: str) -> None:
    deployment.age_s = AFTER_GRACE_S
    deployment.stack_is("UPDATE_IN_PROGRESS" if asked == "answered" else None)
    changes, around, seconds = TROUBLES[trouble]
    with around(deployment):
        if trouble in FAILURES:
            assert FAILURES[trouble] in deployment.failure("Update", context=Context(seconds), **changes())
        else:
            assert deployment.run("Update", context=Context(seconds), **changes()) == REPEATED


def test_a_first_deployment_that_fails_asks_nobody(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "is_rolling_back", lambda _: pytest.fail("asked"))
    assert "property Phase" in deployment.failure(Phase="shrink")


def test_the_deadline_names_who_holds_the_lock(deployment: Deployment) -> None:
    deployment.age_s = 61
    with lock_held(deployment):
        message = deployment.failure(TimeoutSeconds="60")
    assert message.startswith("the migration had not finished after 60 s: another deployer migrates database")
    assert "(another deployer, role postgres)" in message
    assert message.endswith("What was committed stays, and the next deploy goes on from there.")


def test_the_deadline_tells_how_far_it_is(deployment: Deployment) -> None:
    deployment.age_s = 3001
    assert "after 3000 s: 0 of 3 revisions are applied; " in deployment.failure()
    deployment.age_s = None
    assert deployment.run()["Data"]["Revisions"] == "0001,0002,0003"


def test_a_migration_that_has_nothing_left_to_do_meets_no_deadline(deployment: Deployment) -> None:
    deployment.run()
    deployment.age_s = 3001
    assert deployment.run()["IsComplete"] is True


@pytest.mark.parametrize("value", ["", "soon", "0", "-5", "²"])
def test_a_time_limit_that_cannot_be_read_is_the_default(deployment: Deployment, value: str) -> None:
    deployment.age_s = 2900
    with lock_held(deployment):
        assert deployment.run(TimeoutSeconds=value) == REPEATED


def test_the_deadline_ends_a_statement(deployment: Deployment) -> None:
    deployment.directory.revision("0004", "0002", "SELECT pg_sleep(60)")
    deployment.run(Target="0002")
    deployment.age_s = 58
    message = deployment.failure(TimeoutSeconds="60", Target="0004")
    assert "revision 0004 failed: its statement takes longer than this call" in message


def test_a_database_that_does_not_answer_yet(deployment: Deployment) -> None:
    assert deployment.run(Port=closed_port()) == REPEATED
    deployment.age_s = AFTER_GRACE_S
    assert "Check host, port, security groups" in deployment.failure(Port=closed_port())
    deployment.age_s = None
    assert "Check host, port, security groups" in deployment.failure(Port=closed_port())


def test_a_wrong_password_is_not_waited_for(deployment: Deployment) -> None:
    wrong = json.dumps({"username": deployment.database.master.user, "password": "wrong"})
    boto3.client("secretsmanager").put_secret_value(SecretId=deployment.properties["SecretArn"], SecretString=wrong)
    assert "password authentication failed" in deployment.failure()


@pytest.mark.parametrize("error", [EndpointConnectionError, ConnectTimeoutError])
def test_secrets_manager_that_does_not_answer_yet(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, error: type[BotoCoreError]
) -> None:
    def raises(_: str) -> None:
        raise error(endpoint_url="https://secretsmanager.eu-west-1.amazonaws.com")

    monkeypatch.setattr(aws, "credentials", raises)
    assert deployment.run() == REPEATED
    deployment.age_s = AFTER_GRACE_S
    assert "secretsmanager" in deployment.failure()


def test_a_call_that_aws_throttles_past_the_deadline(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("secretsmanager")
    deployment.age_s = 3001
    with Stubber(client) as stubber, monkeypatch.context() as patched:
        stubber.add_client_error("get_secret_value", "ThrottlingException")
        patched.setattr(boto3, "client", lambda *_, **__: client)
        assert "had not finished after 3000 s" in deployment.failure()
