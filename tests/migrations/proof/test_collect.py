"""Which statements a workload is made of: whose, of which database, since when, and what is left out."""

import json
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from seachange_migrations.check.scratch import ScratchError
from seachange_migrations.check.workload import Workload, collect
from seachange_migrations.check.workload.counted import FEW
from seachange_migrations.check.workload.kinds import usable
from seachange_migrations.errors import InvalidRequestError
from tests.migrations.databases import Database, made
from tests.migrations.proof.services import Service

SCHEMA = "CREATE TABLE things (id int PRIMARY KEY, name text, at timestamptz)"
WINDOW_S = 0.6


@pytest.fixture
def service(database: Database) -> Service:
    found = Service(database)
    with database.connect(database.master) as connection:
        connection.execute(SCHEMA)
    return found


def collected(service: Service, directory: Path, *, managed: bool = True, interval_s: float = 60) -> Workload:
    """What is collected; an interval of a minute is one that the test would not wait for."""
    role = service.settings.user if managed else None
    return collect(service.database.master, directory, service=role, interval_s=interval_s)


def texts(workload: Workload) -> set[str]:
    return {statement.sql for statement in workload.statements}


def test_it_is_what_the_services_executed_in_this_database(service: Service, tmp_path: Path) -> None:
    database = service.database
    service.executes("SELECT name FROM things WHERE id = 1", "SELECT 1", "SET work_mem = '8MB'")
    with database.connect() as administrator, database.connect(database.master) as migrating:
        administrator.execute("SELECT id FROM things")
        migrating.execute("UPDATE things SET name = 'migrated'")
    with made(database.server, "other") as other, other.connect(database.application) as connection:
        with other.connect() as administrator:
            administrator.execute(SCHEMA.encode())
            administrator.execute(f"GRANT SELECT ON things TO {database.application.user}".encode())
        connection.execute("SELECT at FROM things")
    workload = collected(service, tmp_path)
    assert texts(workload) == {"SELECT name FROM things WHERE id = $1"}
    assert {statement.role for statement in workload.statements} == {database.application.user}
    assert workload.unknown == ()
    assert workload.origin.startswith("all statements since the statistics began, 20")


def test_what_cannot_be_executed_is_listed_with_the_reason(service: Service, tmp_path: Path) -> None:
    with service.database.connect(service.settings) as connection:
        with connection.cursor().copy("COPY things TO STDOUT") as copied:
            list(copied)
        with connection.transaction():
            connection.execute("DECLARE found CURSOR FOR SELECT id FROM things")
            connection.execute("FETCH 5 FROM found")
    found = {unknown.sql: unknown.reason for unknown in collected(service, tmp_path).unknown}
    assert sorted(text.split()[0] for text in found) == ["COPY", "DECLARE", "FETCH"]
    # PostgreSQL 17 and older count FETCH with its constant, later ones with a placeholder that no parser takes.
    assert set(found.values()) <= {
        "it is neither SELECT nor INSERT, UPDATE, DELETE or MERGE",
        "without its constants PostgreSQL's parser does not take it",
    }


def test_what_no_schema_matters_to_is_left_out_though_its_text_no_longer_parses(
    service: Service, tmp_path: Path
) -> None:
    """PostgreSQL puts a parameter in the place of a savepoint's name, and of a constant with its type."""
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: service.database.connect(service.settings))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        sa.MetaData().reflect(connection)
        sa.inspect(connection).get_table_comment("things")
        connection.exec_driver_sql("SAVEPOINT here")
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        connection.exec_driver_sql("RELEASE SAVEPOINT here")
        connection.exec_driver_sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'things'")
    engine.dispose()
    workload = collected(service, tmp_path)
    assert (texts(workload), workload.unknown) == (set(), ())


@pytest.mark.parametrize(
    ("sql", "matters"),
    [
        ("RELEASE $1", False),
        ("ROLLBACK TO SAVEPOINT $1", False),
        ("SELECT 1 FROM pg_catalog.pg_description WHERE classoid = $1($1 AS REGCLASS)", False),
        ("SELECT 1 FROM things WHERE at > $1($1 AS date)", True),
        ("FETCH $1 FROM found", True),
        ("no SQL at all $1", True),
    ],
)
def test_what_does_not_parse_matters_unless_it_is_known_not_to(sql: str, matters: bool) -> None:
    assert (usable(sql) == "without its constants PostgreSQL's parser does not take it") is matters
    assert (usable(sql) is False) is not matters


def test_only_what_is_executed_now_counts_where_the_migrating_role_may_serve_too(
    service: Service, tmp_path: Path
) -> None:
    service.executes("SELECT name FROM things")
    with service.database.connect(service.database.master) as connection:
        connection.execute("UPDATE things SET name = 'migrated'")
    with service.executing("SELECT id FROM things"):
        workload = collected(service, tmp_path, managed=False, interval_s=WINDOW_S)
    assert texts(workload) == {"SELECT id FROM things"}
    assert workload.origin == "the statements that were executed within 0.6 s"
    quiet = collected(service, tmp_path, managed=False, interval_s=0)
    assert texts(quiet) == {"SELECT name FROM things", "SELECT id FROM things"}
    assert quiet.origin.endswith(", as none was executed within 0 s")


def test_the_only_role_there_is_serves(service: Service, tmp_path: Path) -> None:
    with service.database.connect(service.database.master) as connection:
        connection.execute("SELECT name FROM things")
    assert texts(collected(service, tmp_path, managed=False)) == {"SELECT name FROM things"}


def test_only_what_is_executed_now_counts_where_there_is_too_much(service: Service, tmp_path: Path) -> None:
    service.executes(*(f"SELECT {', '.join(['id'] * number)} FROM things" for number in range(1, FEW + 2)))
    with service.executing("SELECT name FROM things"):
        assert texts(collected(service, tmp_path, interval_s=WINDOW_S)) == {"SELECT name FROM things"}


def test_a_recording_comes_first_and_is_enough(service: Service, tmp_path: Path) -> None:
    entries = [
        {"sql": "SELECT name FROM things WHERE id = $1", "parameters": [1]},
        {"sql": "SELECT name FROM things WHERE id = $1", "parameters": ["2"]},
        {"sql": "INSERT INTO things VALUES ($1, $2)", "parameters": [True, None], "role": "somebody"},
    ]
    (tmp_path / "workload.jsonl").write_text("\n\n".join(map(json.dumps, entries)), "utf-8")
    service.executes("SELECT id FROM things", "SELECT name FROM things WHERE id = 7")
    workload = collected(service, tmp_path)
    app = service.settings.user
    assert [(each.sql, each.role, each.recorded) for each in workload.statements[:2]] == [
        ("SELECT name FROM things WHERE id = $1", app, (("1",), ("2",))),
        ("INSERT INTO things VALUES ($1, $2)", "somebody", (("true", None),)),
    ]
    assert [each.sql for each in workload.statements[2:]] == ["SELECT id FROM things"]
    assert workload.origin.startswith("workload.jsonl and all statements")
    with service.database.connect() as connection:
        connection.execute("DROP EXTENSION pg_stat_statements")
    assert len(collected(service, tmp_path).statements) == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is no JSON"),
        ("[]", 'has no text "sql"'),
        ('{"sql": "SELECT 1", "parameters": {}}', '"parameters" must be a list'),
        ('{"sql": "SELECT 1", "parameters": [[]]}', "a parameter must be a string"),
        ('{"sql": "SELECT 1", "role": 1}', '"role" must be the name of a role'),
    ],
)
def test_a_recording_that_cannot_be_read_is_refused_with_its_line(
    service: Service, tmp_path: Path, line: str, problem: str
) -> None:
    recording = tmp_path / "workload.jsonl"
    recording.write_text(f'{{"sql": "SELECT 1"}}\n{line}\n', "utf-8")
    with pytest.raises(InvalidRequestError) as refused:
        collected(service, tmp_path)
    assert f"{recording}, line 2" in str(refused.value)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("without", "problem"),
    [
        ("DROP EXTENSION pg_stat_statements", "has no extension pg_stat_statements: CREATE EXTENSION"),
        ("REVOKE pg_read_all_stats FROM {master}", "may not read what others execute: GRANT pg_read_all_stats TO"),
    ],
)
def test_statistics_that_cannot_be_read_are_told_with_the_remedy(
    service: Service, tmp_path: Path, without: str, problem: str
) -> None:
    service.database.rows(without.format(master=service.database.master.user))
    with pytest.raises(ScratchError, match=problem):
        collected(service, tmp_path)


def test_what_the_proof_reads_itself_is_no_ones_statement(service: Service, tmp_path: Path) -> None:
    with service.database.connect(service.database.master) as connection:
        connection.execute('SELECT /* seachange */ "name"::text FROM things')
        with suppress(psycopg.Error):
            connection.execute("SELECT version_num FROM alembic_version")
    assert texts(collected(service, tmp_path, managed=False)) == set()
