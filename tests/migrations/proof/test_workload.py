"""What the serving release's statements prove: each kind of break is caught, and what leaves them working passes."""

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from seachange_migrations.check.findings import Source, Verdict
from seachange_migrations.check.scratch import scratch
from seachange_migrations.check.workload import collect, prove
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.proof.services import Service, migrated, proven

SCHEMA = """
    CREATE TYPE state AS ENUM ('new', 'done');
    CREATE TABLE groups (id int PRIMARY KEY, title text);
    CREATE TABLE people (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, group_id int NOT NULL REFERENCES groups, email text NOT NULL,
        age int, state state NOT NULL DEFAULT 'new', seen_at timestamptz DEFAULT now(), tags text[], extra jsonb, first_name text
    );
    CREATE UNIQUE INDEX people_email ON people (email);
"""
ROWS = """
    INSERT INTO groups SELECT n, 'group ' || n FROM generate_series(1, 300) n;
    INSERT INTO people (group_id, email, age, tags, extra, first_name)
    SELECT n, n || '@example.com', n % 90, '{a,b}', '{"a": 1}', 'Ann' FROM generate_series(1, 300) n
"""
NEW = ("INSERT INTO people (group_id, email, age) VALUES (%s, %s, %s)", (1, "new@example.com", 5))


@dataclass(frozen=True)
class Case:
    """A statement of the service and a revision that breaks it, and one that does the same and does not."""

    statement: str | tuple[str, tuple[Any, ...]]
    refused: str
    allowed: str
    problem: str
    rule: str = "workload-breaks"


CASES = {
    "a dropped column": Case(
        ("SELECT first_name FROM people WHERE id = %s", (1,)),
        "ALTER TABLE people DROP COLUMN first_name",
        "ALTER TABLE people DROP COLUMN seen_at",
        'column "first_name" does not exist (42703)',
    ),
    "a missing arbiter": Case(
        (f"{NEW[0]} ON CONFLICT (email) DO UPDATE SET age = excluded.age", NEW[1]),
        "DROP INDEX people_email",
        "CREATE INDEX more ON people (email)",
        "there is no unique or exclusion constraint matching the ON CONFLICT specification (42P10)",
    ),
    "a column that must be given": Case(
        NEW,
        "ALTER TABLE people ALTER city DROP DEFAULT",
        "ALTER TABLE people ADD COLUMN city text NOT NULL DEFAULT ''",
        'null value in column "city" of relation "people" violates not-null constraint (23502)',
    ),
    "a check": Case(
        ("UPDATE people SET age = %s WHERE email = %s", (7, "1@example.com")),
        "ALTER TABLE people ADD CONSTRAINT old CHECK (age > 1000) NOT VALID",
        "ALTER TABLE people ADD CONSTRAINT grown CHECK (age >= 0) NOT VALID",
        'new row for relation "people" violates check constraint "old" (23514)',
    ),
    "a failing trigger": Case(
        ("DELETE FROM people WHERE id = %s", (1,)),
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', OLD.email; END $$;"
        "CREATE TRIGGER no BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION no()",
        "CREATE FUNCTION yes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$;"
        "CREATE TRIGGER yes BEFORE DELETE ON people FOR EACH ROW EXECUTE FUNCTION yes()",
        "RaiseException (P0001)",
    ),
    "row security": Case(
        NEW,
        "CREATE POLICY none ON people AS RESTRICTIVE FOR INSERT WITH CHECK (false)",
        "ALTER TABLE people ENABLE ROW LEVEL SECURITY; CREATE POLICY all_rows ON people USING (true)",
        'new row violates row-level security policy "none" for table "people" (42501)',
    ),
    "a privilege": Case(
        ("UPDATE groups SET title = %s WHERE id = %s", ("x", 1)),
        "REVOKE UPDATE ON groups FROM {role}",
        "REVOKE TRUNCATE ON groups FROM {role}",
        "permission denied for table groups (42501)",
    ),
    "a type": Case(
        ("SELECT id FROM people WHERE age = %s + 1", (5,)),
        "ALTER TABLE people ALTER age TYPE text",
        "ALTER TABLE people ALTER first_name TYPE varchar(900)",
        "operator does not exist: text = integer (42883)",
    ),
    "a prepared SELECT *": Case(
        ("SELECT * FROM people WHERE id = %s", (1,)),
        "ALTER TABLE people ADD COLUMN city text",
        "ALTER TABLE groups ADD COLUMN city text",
        "cached plan must not change result type (0A000)",
        rule="workload-prepared",
    ),
    "a prepared RETURNING *": Case(
        (f"{NEW[0]} RETURNING *", NEW[1]),
        "ALTER TABLE people ADD COLUMN city text",
        "ALTER TABLE groups ADD COLUMN city text",
        "cached plan must not change result type (0A000)",
        rule="workload-prepared",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_breaks_a_statement_is_caught_and_its_harmless_relative_passes(
    database: Database, directory: AlembicDirectory, case: Case
) -> None:
    service = Service(database)
    migrated(database, directory, SCHEMA)
    database.rows(ROWS)
    service.executes(case.statement)
    directory.revision("0002", "0001", case.allowed.format(role=service.settings.user))
    directory.revision("0003", "0002", case.refused.format(role=service.settings.user))
    proof = proven(database, directory, "0002", "0003")
    assert (proof.executed, proof.unknown, proof.failed) == (1, (), None)
    found = [finding for finding in proof.findings if finding.source is Source.WORKLOAD]
    assert [(finding.rule, finding.verdict, finding.revision) for finding in found] == [
        (case.rule, Verdict.CONTRACT, "0003")
    ]
    assert case.problem in found[0].problem


def prepared_for(
    database: Database, directory: AlembicDirectory, *statements: str | tuple[str, tuple[Any, ...]]
) -> Service:
    """SCHEMA with rows, and what the service has executed there."""
    service = Service(database)
    migrated(database, directory, SCHEMA)
    database.rows(ROWS)
    service.executes(*statements)
    return service


def test_enum_values_that_the_serving_release_may_read_and_does_not_know(
    database: Database, directory: AlembicDirectory
) -> None:
    prepared_for(database, directory, "SELECT id, state FROM people", "SELECT email FROM people")
    directory.revision("0002", "0001", "ALTER TYPE state ADD VALUE 'late'")
    [found] = proven(database, directory, "0002").findings
    assert (found.rule, found.verdict, found.statement) == (
        "workload-enum-value",
        Verdict.UNKNOWN,
        "SELECT id, state FROM people",
    )
    assert "a value of state that it does not know" in found.problem


def test_it_is_executed_as_the_services_role_with_its_search_path_and_settings(
    database: Database, directory: AlembicDirectory
) -> None:
    service = Service(database)
    role = service.settings.user
    migrated(
        database,
        directory,
        f"CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO {role}; CREATE TABLE shop.things (id int PRIMARY KEY, tenant text);"
        "ALTER TABLE shop.things ENABLE ROW LEVEL SECURITY;"
        "CREATE POLICY own ON shop.things USING (tenant = current_setting('app.tenant'))",
    )
    database.rows("INSERT INTO shop.things VALUES (1, 'mine')")
    database.rows(f"ALTER ROLE {role} SET search_path = shop")
    database.rows(f"ALTER ROLE {role} IN DATABASE {database.name} SET app.tenant = 'mine'")
    service.executes(("UPDATE things SET tenant = %s WHERE id = %s", ("mine", 1)))
    directory.revision(
        "0002", "0001", f"ALTER TABLE shop.things ADD COLUMN a int; GRANT SELECT ON shop.things TO {role}"
    )
    directory.revision("0003", "0002", f"REVOKE USAGE ON SCHEMA shop FROM {role}")
    proof = proven(database, directory, "0002", "0003")
    assert (proof.executed, proof.unknown) == (1, ())
    assert [found.revision for found in proof.findings if found.source is Source.WORKLOAD] == ["0003"]


def test_what_fails_before_the_migration_is_unknown_and_no_finding(
    database: Database, directory: AlembicDirectory
) -> None:
    prepared_for(
        database, directory, "SELECT id FROM people WHERE seen_at > now() - interval '1 day'", "SELECT age FROM people"
    )
    directory.revision("0002", "0001", "ALTER TABLE people DROP COLUMN seen_at")
    proof = proven(database, directory, "0002")
    assert proof.executed == 1
    assert [(each.sql, each.reason) for each in proof.unknown] == [
        (
            "SELECT id FROM people WHERE seen_at > now() - interval $1",
            'it fails before any revision: syntax error at or near "$1" (42601)',
        )
    ]
    assert proof.findings == ()


def test_recorded_parameters_are_executed_as_they_were(database: Database, directory: AlembicDirectory) -> None:
    statement = "UPDATE people SET age = $1 WHERE id = (SELECT min(id) FROM people WHERE age < $2 + 1000)"
    prepared_for(database, directory)
    # No sampled row has such an age: only the recording breaks the constraint.
    directory.revision("0002", "0001", "ALTER TABLE people ADD CONSTRAINT young CHECK (age < 95) NOT VALID")
    recording = directory.path / "workload.jsonl"
    for age, broken in ((94, 0), (95, 1)):
        entry = {"sql": statement, "parameters": [age, 5], "role": database.application.user}
        recording.write_text(json.dumps(entry), "utf-8")
        proof = proven(database, directory, "0002")
        assert (proof.executed, len(proof.findings)) == (1, broken)
        assert all("95" not in finding.problem for finding in proof.findings)


OLD, NOW = "SELECT first_name FROM people WHERE age = 5", "SELECT email FROM people WHERE age = 5"


def test_what_only_an_older_release_executed_is_told_and_breaks_nothing(
    database: Database, directory: AlembicDirectory
) -> None:
    service = prepared_for(database, directory, OLD)
    directory.revision("0002", "0001", "ALTER TABLE people DROP COLUMN first_name")
    with service.executing(NOW):
        proof = proven(database, directory, "0002", interval_s=0.6)
    assert proof.findings == ()
    assert [(each.sql, each.reason) for each in proof.unknown] == [
        (
            OLD.replace("5", "$1"),
            "it breaks, but within 0.6 s others were executed and it was not: an older release's, it seems",
        )
    ]


def test_what_is_executed_still_breaks(database: Database, directory: AlembicDirectory) -> None:
    service = prepared_for(database, directory, NOW)
    directory.revision("0002", "0001", "ALTER TABLE people DROP COLUMN first_name")
    with service.executing(OLD):
        proof = proven(database, directory, "0002", interval_s=0.6)
    assert [found.statement for found in proof.findings] == [OLD.replace("5", "$1")]


def test_a_quiet_database_tells_no_release_from_another(database: Database, directory: AlembicDirectory) -> None:
    prepared_for(database, directory, OLD, NOW)
    directory.revision("0002", "0001", "ALTER TABLE people DROP COLUMN first_name")
    assert [found.statement for found in proven(database, directory, "0002").findings] == [OLD.replace("5", "$1")]


def test_what_breaks_nothing_waits_for_nothing(database: Database, directory: AlembicDirectory) -> None:
    prepared_for(database, directory, OLD, NOW)
    directory.revision("0002", "0001", "ALTER TABLE people ADD COLUMN city text")
    started = time.monotonic()
    assert proven(database, directory, "0002", interval_s=60).findings == ()
    assert time.monotonic() - started < 30


def test_a_revision_that_does_not_run_leaves_what_follows_unknown(
    database: Database, directory: AlembicDirectory
) -> None:
    prepared_for(database, directory, NOW)
    directory.revision("0002", "0001", "ALTER TABLE people ADD COLUMN city text")
    directory.revision("0003", "0002", "ALTER TABLE nowhere ADD COLUMN city text")
    proof = proven(database, directory, "0002", "0003")
    assert proof.failed == (
        'revision 0003 does not run on the scratch database: relation "nowhere" does not exist (42P01)'
    )
    assert [(found.revision, found.rule) for found in proof.findings] == [("0003", "observed-not-applied")]


def test_a_table_without_a_row_is_written_to_all_the_same(database: Database, directory: AlembicDirectory) -> None:
    service = Service(database)
    migrated(database, directory, "CREATE TABLE logs (id int PRIMARY KEY, line text NOT NULL)")
    service.executes("BEGIN", ("INSERT INTO logs (id, line) VALUES (%s, %s)", (1, "a")), "ROLLBACK")
    directory.revision("0002", "0001", "ALTER TABLE logs ADD COLUMN level text NOT NULL")
    proof = proven(database, directory, "0002")
    assert (proof.executed, proof.unknown) == (1, ())
    [found] = [found for found in proof.findings if found.source is Source.WORKLOAD]
    assert 'null value in column "level"' in found.problem


def test_without_time_all_is_unknown(database: Database, directory: AlembicDirectory) -> None:
    prepared_for(database, directory, NOW)
    directory.revision("0002", "0001", "ALTER TABLE people DROP COLUMN email")
    workload = collect(database.master, directory.path, service=database.application.user, interval_s=0)
    with scratch(database.master, directory.path) as made:
        proof = prove(made, directory.path, ["0002"], workload, time_left=lambda: 0)
    assert (proof.executed, proof.failed) == (0, "the time is used up before revision 0002")
    assert [each.reason for each in proof.unknown] == ["there was no time left for it"]
    assert all(found.verdict is Verdict.UNKNOWN for found in proof.findings)
