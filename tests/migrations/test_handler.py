"""The Lambda's two handlers, called as the Provider framework calls them."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from seachange_migrations import migrate as migration
from seachange_migrations.deployed.resource import RESERVE_S
from seachange_migrations.locks import lock_key
from tests.migrations.deployments import Context, Deployment

pytestmark = pytest.mark.slow


def test_create_then_update(deployment: Deployment) -> None:
    first = deployment.run(Target="0001")
    assert first["IsComplete"] is True
    assert {"From": "", "To": "0001", "Revisions": "0001"}.items() <= first["Data"].items()
    second = deployment.run("Update", Target="expand@head")
    assert set(second["Data"]) == {
        "From",
        "To",
        "Revisions",
        "DurationSeconds",
        "MaxLockWaitMilliseconds",
        "RowsBackfilled",
    }
    assert {"From": "0001", "To": "0002", "Revisions": "0002", "RowsBackfilled": "0"}.items() <= second["Data"].items()
    assert all(isinstance(value, str) for value in second["Data"].values())


def test_managed_roles(deployment: Deployment) -> None:
    deployment.run()
    database = deployment.database
    assert database.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == [
        (database.owner.user,)
    ]
    database.rows("INSERT INTO customers VALUES (1)", database.application)
    privileges = (
        "SELECT has_table_privilege('alembic_version', 'SELECT'), has_table_privilege('alembic_version', 'UPDATE')"
    )
    assert database.rows(privileges, database.application) == [(True, False)]


def test_existing_roles(deployment: Deployment) -> None:
    arguments = {"Roles": "existing", "OwnerSecretArn": "", "ApplicationSecretArn": ""}
    assert deployment.run(**arguments)["IsComplete"] is True
    database = deployment.database
    assert database.rows("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == [
        (database.master.user,)
    ]
    assert database.rows(
        f"SELECT count(*) FROM pg_roles WHERE rolname IN ('{database.owner.user}', '{database.application.user}')"
    ) == [(0,)]


def test_an_event_that_comes_twice(deployment: Deployment) -> None:
    assert deployment.run()["Data"]["Revisions"] == "0001,0002,0003"
    again = deployment.run()
    assert (again["Data"]["Revisions"], again["Data"]["To"]) == ("", "0003")


def test_delete_does_nothing(deployment: Deployment) -> None:
    deployment.run()
    assert deployment.run("Delete", Host="nowhere.invalid", Roles="nonsense") == {"IsComplete": True}
    assert "customers" in deployment.database.tables()


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
def test_a_newer_database_while_the_stack_rolls_back(
    deployment: Deployment, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.run(Target="expand@head")
    for newer in ("0002", "0003"):
        (deployment.directory.path / "versions" / f"{newer}.py").unlink()
    deployment.stack_is(status)
    answer = deployment.run("Update", Target="0001")
    assert (answer["IsComplete"], answer["Data"]["From"], answer["Data"]["Revisions"]) == (True, "0002", "")
    assert "the schema stays as it is" in capsys.readouterr().out


def test_a_newer_database_otherwise(deployment: Deployment) -> None:
    deployment.run(Target="expand@head")
    for newer in ("0002", "0003"):
        (deployment.directory.path / "versions" / f"{newer}.py").unlink()
    deployment.stack_is("UPDATE_IN_PROGRESS")
    assert "at revision 0002" in deployment.failure("Update", Target="0001")


def test_a_rollback_that_still_knows_the_revisions_takes_nothing_back(deployment: Deployment) -> None:
    deployment.run(Target="expand@head")
    answer = deployment.run("Update", Target="0001")
    assert (answer["Data"]["Revisions"], answer["Data"]["To"]) == ("", "0002")


@pytest.mark.parametrize("roles", ["managed", "existing"])
def test_another_deployer_at_work_is_waited_for(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, roles: str
) -> None:
    monkeypatch.setattr(migration, "LOCK_PATIENCE_S", 0.0)
    with deployment.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(deployment.database.name)])
        assert deployment.run(Roles=roles) == {"IsComplete": False}
    assert deployment.run(Roles=roles)["IsComplete"] is True


def test_a_call_without_time_is_repeated(deployment: Deployment) -> None:
    assert deployment.run(context=Context(RESERVE_S)) == {"IsComplete": False}
    assert deployment.run()["Data"]["Revisions"] == "0001,0002,0003"


def test_a_throttled_call_is_repeated(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("secretsmanager")
    with Stubber(client) as stubber, monkeypatch.context() as patched:
        stubber.add_client_error("get_secret_value", "ThrottlingException")
        patched.setattr(boto3, "client", lambda *_, **__: client)
        assert deployment.run() == {"IsComplete": False}


def test_a_broken_revision(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    deployment.run(Target="expand@head")
    deployment.directory.revision("0004", "0002", f"SELECT '{'x' * 9000}' FROM nowhere")
    deployment.stack_is("UPDATE_IN_PROGRESS")
    message = deployment.failure("Update")
    assert message.startswith('revision 0004 failed: UndefinedTable: relation "nowhere" does not exist')
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["event"] == "failed"


def test_every_line_of_the_log_is_json_and_holds_no_password(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.run()
    output = capsys.readouterr().out
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events[:2] == ["role_created", "role_created"]
    assert events[-1] == "revision_applied"
    for settings in (deployment.database.master, deployment.database.owner, deployment.database.application):
        assert settings.password not in output


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Host": ""}, "property Host of the migrations resource is None"),
        (
            {"Port": "postgres"},
            "property Port of the migrations resource is 'postgres': it must be a port from 1 to 65535",
        ),
        ({"Port": "65536"}, "property Port"),
        (
            {"Phase": "shrink"},
            "property Phase of the migrations resource is 'shrink': it must be one of expand, contract",
        ),
        ({"Roles": "many"}, "property Roles of the migrations resource is 'many': it must be one of managed, existing"),
        ({"OwnerSecretArn": ""}, "property OwnerSecretArn"),
        ({"Target": "nowhere"}, "target 'nowhere' is no revision"),
        ({"Directory": "elsewhere"}, "is no Alembic directory"),
        (
            {"SecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:gone-AbCdEf"},
            "ResourceNotFoundException",
        ),
    ],
)
def test_bad_requests(deployment: Deployment, changes: dict[str, str], message: str) -> None:
    assert message in deployment.failure(**changes)


@pytest.mark.parametrize("value", ["gibberish", "[]", '{"username": "shop"}', '{"username": "shop", "password": 1}'])
def test_a_secret_of_another_shape(deployment: Deployment, value: str) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId=deployment.properties["SecretArn"], SecretString=value)
    message = deployment.failure()
    assert "is no JSON object with the strings `username` and `password`" in message
    assert value not in message
