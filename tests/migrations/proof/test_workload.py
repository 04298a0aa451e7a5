"""What the serving release's statements prove: each kind of break is caught, and what leaves them working passes."""

from dataclasses import dataclass
from typing import Any

import pytest

from seachange_migrations.check.findings import Source, Verdict
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
