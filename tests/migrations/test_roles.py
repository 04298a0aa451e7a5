"""Owner and application roles, made by a master that is no superuser."""

from typing import Any

import psycopg
import pytest

from seachange_migrations.errors import ForeignObjectsError, InvalidRequestError, LockHeldError, RolesError
from seachange_migrations.locks import lock_key
from seachange_migrations.migrate import migrate
from seachange_migrations.roles import ensure_roles, protect_version_table
from tests.migrations.databases import AlembicDirectory, Database

pytestmark = pytest.mark.slow

TABLE = "CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, address text)"


def ensure(database: Database) -> list[dict[str, Any]]:
    seen: list[Any] = []
    ensure_roles(database.master, database.owner, database.application, seen.append)
    return [entry for entry in seen if entry["event"] != "not_allowed"]


@pytest.fixture
def migrated(database: Database, directory: AlembicDirectory) -> Database:
    """A database whose first migration has run with managed roles."""
    directory.revision("0001", None, TABLE)
    ensure(database)
    report = migrate(database.owner, directory.path)
    protect_version_table(database.owner, database.application, report.version_table)
    return database


def test_made_once(database: Database) -> None:
    assert ensure(database) == [
        {"event": "role_created", "role": database.owner.user},
        {"event": "role_created", "role": database.application.user},
    ]
    assert ensure(database) == []
    query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert database.rows(query, database.application) == [(database.owner.user,)]


def test_the_owner_owns_what_it_makes(migrated: Database) -> None:
    owners = {owner for (owner,) in migrated.rows("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")}
    assert owners == {migrated.owner.user}


def test_the_application_reads_and_writes_rows(migrated: Database) -> None:
    as_application = migrated.application
    migrated.rows("INSERT INTO customers (address) VALUES ('here')", as_application)
    migrated.rows("UPDATE customers SET address = 'there'", as_application)
    assert migrated.rows("SELECT address FROM customers", as_application) == [("there",)]
    migrated.rows("DELETE FROM customers", as_application)
    assert migrated.rows("SELECT version_num FROM alembic_version", as_application) == [("0001",)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE theirs (id int)",
        "CREATE SCHEMA theirs",
        "ALTER TABLE customers ADD COLUMN city text",
        "CREATE INDEX ON customers (address)",
        "TRUNCATE customers",
        "DROP TABLE customers",
        "UPDATE alembic_version SET version_num = '0000'",
        "INSERT INTO alembic_version VALUES ('0000')",
        "DELETE FROM alembic_version",
    ],
)
def test_the_application_changes_no_schema(migrated: Database, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        migrated.rows(statement, migrated.application)


def test_passwords_follow_their_secrets(migrated: Database) -> None:
    for role in (migrated.owner, migrated.application):
        migrated.rows(f"ALTER ROLE {role.user} PASSWORD 'something else'")
    assert ensure(migrated) == [
        {"event": "password_set", "role": migrated.owner.user},
        {"event": "password_set", "role": migrated.application.user},
    ]
    assert migrated.rows("SELECT 1", migrated.owner) == migrated.rows("SELECT 1", migrated.application) == [(1,)]


def test_no_password_reaches_the_server(database: Database) -> None:
    database.rows(f"ALTER DATABASE {database.name} SET log_statement = 'all'")
    ensure(database)
    log = database.server_log()
    assert f'CREATE ROLE "{database.owner.user}" LOGIN PASSWORD \'SCRAM-SHA-256$' in log
    assert database.owner.password.replace("'", "''") not in log
    assert database.owner.password not in log


def test_an_application_role_that_is_made_after_the_tables(migrated: Database) -> None:
    as_master = migrated.master
    migrated.rows(f"DROP OWNED BY {migrated.application.user}")
    migrated.rows(f"DROP ROLE {migrated.application.user}", as_master)
    ensure(migrated)
    assert migrated.rows("SELECT count(*) FROM customers", migrated.application) == [(0,)]


def test_tables_of_another_role_are_refused(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, TABLE)
    migrate(database.master, directory.path)
    with pytest.raises(
        ForeignObjectsError, match=r"3 relation\(s\) .* the first being alembic_version of .*_master"
    ) as refused:
        ensure(database)
    assert "roles='existing'" in str(refused.value)
    remedy = f"REASSIGN OWNED BY {database.master.user} TO {database.owner.user}"
    assert remedy in str(refused.value)
    assert database.rows(f"SELECT count(*) FROM pg_roles WHERE rolname = '{database.owner.user}'") == [(0,)]
    # The remedy works.
    database.rows(f"CREATE ROLE {database.owner.user}")
    database.rows(f"GRANT {database.owner.user} TO {database.master.user} WITH ADMIN OPTION")
    database.rows(remedy)
    ensure(database)
    assert migrate(database.owner, directory.path).revisions == ()


def test_extensions_are_nobody_elses_tables(database: Database) -> None:
    database.rows("CREATE EXTENSION pg_stat_statements")
    assert len(ensure(database)) == 2


def test_statistics_are_set_up_where_the_master_may(database: Database) -> None:
    seen: list[Any] = []
    ensure_roles(database.master, database.owner, database.application, seen.append)
    # Until PostgreSQL 15 CREATEROLE is enough to hand on any role that is no superuser's.
    ((version,),) = database.rows("SELECT current_setting('server_version_num')::int / 10000")
    refused = ["CREATE", "GRANT"] if version >= 16 else ["CREATE"]
    assert [entry["statement"].split()[0] for entry in seen if entry["event"] == "not_allowed"] == refused
    database.rows(f"GRANT pg_read_all_stats TO {database.master.user} WITH ADMIN OPTION")
    database.rows("CREATE EXTENSION pg_stat_statements")
    seen.clear()
    ensure_roles(database.master, database.owner, database.application, seen.append)
    assert seen == []
    assert database.rows(f"SELECT pg_has_role('{database.owner.user}', 'pg_read_all_stats', 'USAGE')") == [(True,)]


def test_a_master_that_may_not(database: Database) -> None:
    database.rows(f"ALTER ROLE {database.master.user} NOCREATEROLE")
    with pytest.raises(RolesError, match=r"permission denied to create role\b.* or use roles='existing'"):
        ensure(database)


def test_three_roles(database: Database) -> None:
    with pytest.raises(InvalidRequestError, match="must be three roles"):
        ensure_roles(database.master, database.owner, database.owner, print)


def test_another_deployer_is_at_work(database: Database) -> None:
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key(database.name)])
        with pytest.raises(LockHeldError):
            ensure(database)
