"""The proof before a deployment's migration, through the Lambda's handlers: with the roles and secrets that they have there."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from seachange_migrations import migrate as migration
from seachange_migrations.check.workload import counted
from seachange_migrations.locks import lock_key
from tests.migrations.databases import Database
from tests.migrations.deployments import Context, Deployment
from tests.migrations.proof.services import scratches

# Whether it can fail does not show in the SQL: only the proof refuses it.
FAILS = (
    "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
    "CREATE TRIGGER no BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION no()"
)
EXISTING: dict[str, Any] = {"Roles": "existing", "OwnerSecretArn": "", "ApplicationSecretArn": ""}
STATEMENT = "INSERT INTO customers (id, address) VALUES (%s, %s)"


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody executes anything meanwhile, so that there is nothing to wait for."""
    monkeypatch.setattr(counted, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def served(deployment: Deployment) -> Deployment:
    """At the first revision, with a service that has written; the master may do what that of Amazon RDS may."""
    allow(deployment.database)
    deployment.run(Target="0001")
    serve(deployment, deployment.database.application)
    return deployment


def allow(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute(f"GRANT pg_read_all_stats TO {database.master.user} WITH ADMIN OPTION".encode())


def serve(deployment: Deployment, settings: Any) -> None:
    with deployment.database.connect(settings) as connection:
        for number in range(3):
            connection.execute(STATEMENT, (number, "1 Main St"))


def events(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return {found["event"]: found for found in map(json.loads, capsys.readouterr().out.splitlines())}


def state(database: Database) -> tuple[Any, ...]:
    return (
        database.rows("SELECT version_num FROM alembic_version"),
        database.rows("SELECT count(*) FROM customers"),
        database.rows("SELECT tgname FROM pg_trigger WHERE tgrelid = 'customers'::regclass"),
        scratches(database),
    )


def test_what_leaves_the_release_working_is_proven_and_applied(
    served: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = served.run("Update", Target="expand@head", Proof="on")
    assert answer["Data"]["Revisions"] == "0002"
    found = events(capsys)
    assert list(found)[-5:] == ["proof_started", "proven", "planned", "revision_started", "revision_applied"]
    assert {"executed": 1, "unknown": 0}.items() <= found["proven"].items()
    assert scratches(served.database) == []


def test_what_would_break_it_is_refused_before_the_database_is_touched(
    served: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    served.directory.revision("0004", "0002", FAILS)
    before = state(served.database)
    served.stack_is("UPDATE_IN_PROGRESS")
    message = served.failure("Update", Target="expand@head", Proof="on")
    assert message.startswith(
        "revision 0004 would break the release that serves: this statement of the serving release"
    )
    assert "RaiseException (P0001)" in message
    assert "INSERT INTO customers (id, address) VALUES ($1, $2)" in message
    assert "Change the revision so that the statement works before and after" in message
    assert "Nothing was applied." in message
    assert "Main St" not in message + capsys.readouterr().out
    assert state(served.database) == before


def test_an_author_may_allow_it_with_a_reason(served: Deployment) -> None:
    served.directory.revision("0004", "0002", FAILS)
    revision = served.directory.path / "versions" / "0004.py"
    allowed = "# seachange: allow workload-breaks because nobody registers tonight\n"
    revision.write_text(allowed + revision.read_text("utf-8"), "utf-8")
    assert served.run("Update", Target="expand@head", Proof="on")["Data"]["Revisions"] == "0002,0004"


def test_without_it_nothing_is_proven(served: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    served.directory.revision("0004", "0002", FAILS)
    assert served.run("Update", Target="expand@head", Proof="off")["Data"]["Revisions"] == "0002,0004"
    assert not {"proof_started", "proof_skipped", "proven"} & set(events(capsys))


def test_existing_roles_serve_and_migrate_as_one(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    allow(deployment.database)
    deployment.run(Target="0001", **EXISTING)
    serve(deployment, deployment.database.master)
    deployment.directory.revision("0004", "0002", FAILS)
    assert deployment.run("Update", Target="0002", Proof="on", **EXISTING)["IsComplete"] is True
    assert events(capsys)["proven"]["executed"] == 1
    deployment.stack_is("UPDATE_IN_PROGRESS")
    message = deployment.failure("Update", Target="expand@head", Proof="on", **EXISTING)
    assert message.startswith("revision 0004 would break the release that serves")


def test_an_empty_database_serves_nothing_yet(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    allow(deployment.database)
    assert deployment.run(Target="expand@head", Proof="on")["Data"]["Revisions"] == "0001,0002"
    assert "empty" in events(capsys)["proof_skipped"]["reason"]


def test_contract_and_what_is_up_to_date_have_nothing_to_prove(
    served: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    served.run("Update", Target="expand@head")
    served.run("Update", Target="expand@head", Proof="on")
    assert served.run("Update", Target="heads", Phase="contract", Proof="on")["Data"]["Revisions"] == "0003"
    assert not {"proof_started", "proof_skipped", "proven"} & set(events(capsys))


def test_the_time_that_a_migration_needs_is_not_spent_on_it(
    served: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = served.run("Update", Target="expand@head", Proof="on", context=Context(80))
    assert answer["Data"]["Revisions"] == "0002"
    assert events(capsys)["proof_skipped"]["reason"] == "too little time is left of this call"


def test_a_revision_that_fails_is_left_to_the_migration_to_tell(
    served: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    served.directory.revision("0004", "0002", "ALTER TABLE nowhere ADD COLUMN a int")
    served.stack_is("UPDATE_IN_PROGRESS")
    message = served.failure("Update", Target="expand@head", Proof="on")
    assert message.startswith('revision 0004 failed: UndefinedTable: relation "nowhere" does not exist')
    assert events(capsys)["proof_skipped"]["reason"] == (
        'revision 0004 does not run on the scratch database: relation "nowhere" does not exist (42P01)'
    )
    assert scratches(served.database) == []


def test_another_deployer_at_work_is_waited_for(served: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "LOCK_PATIENCE_S", 0.0)
    served.stack_is("UPDATE_IN_PROGRESS")
    with served.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(served.database.name)])
        assert served.run("Update", Target="expand@head", Proof="on") == {"IsComplete": False}
    assert served.run("Update", Target="expand@head", Proof="on")["Data"]["Revisions"] == "0002"
