"""What a statement was seen to do on a real PostgreSQL: rewrites, scans, index builds, locks."""

from typing import Any

from seachange_migrations.check.observed import observe
from seachange_migrations.check.scratch import scratch
from seachange_migrations.check.statement import RevisionObservation
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database

SCHEMA = """
    CREATE TABLE parents (id int PRIMARY KEY);
    CREATE TABLE things (
        id int PRIMARY KEY, parent int, name varchar(20), price numeric(10,2), day timestamp, size int NOT NULL
    );
    CREATE DOMAIN plain AS text;
    CREATE DOMAIN checked AS text CHECK (VALUE <> '');
"""


def observed(
    database: Database, directory: AlembicDirectory, *bodies: str, **attributes: Any
) -> list[RevisionObservation]:
    """What revisions with these bodies do on top of SCHEMA."""
    directory.revision("0001", None, SCHEMA)
    for number, body in enumerate(bodies, 2):
        directory.revision(f"{number:04}", f"{number - 1:04}", body=body, **attributes)
    migrate(database.master, directory.path, target="0001")
    names = [f"{number:04}" for number in range(2, len(bodies) + 2)]
    with scratch(database.master, directory.path) as made:
        return observe(made, directory.path, names)


def rules(observation: RevisionObservation) -> set[str]:
    return {finding.rule for finding in observation.findings}


# https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
STATEMENTS = {
    "ADD COLUMN a timestamptz DEFAULT now()": set[str](),
    "ADD COLUMN a int NOT NULL DEFAULT 7": set(),
    "ALTER name TYPE varchar(40)": set(),
    "ALTER name TYPE text": set(),
    "ALTER price TYPE numeric(12,2)": set(),
    "ADD COLUMN a plain": set(),
    "ALTER name TYPE plain": set(),
    "ADD CHECK (size > 0) NOT VALID": set(),
    "ADD FOREIGN KEY (parent) REFERENCES parents NOT VALID": set(),
    "ADD COLUMN a timestamptz DEFAULT clock_timestamp()": {"observed-rewrite"},
    "ADD COLUMN a uuid DEFAULT gen_random_uuid()": {"observed-rewrite"},
    "ALTER name TYPE varchar(10)": {"observed-rewrite"},
    "ALTER size TYPE bigint": {"observed-rewrite"},
    "ADD COLUMN a int GENERATED ALWAYS AS (size * 2) STORED": {"observed-rewrite"},
    "ADD COLUMN a bigserial": {"observed-rewrite"},
    "ADD COLUMN a int GENERATED ALWAYS AS IDENTITY": {"observed-rewrite"},
    "ADD COLUMN a checked DEFAULT 'a'": {"observed-rewrite"},
    "ADD CHECK (size > 0)": {"observed-scan"},
    "ALTER parent SET NOT NULL": {"observed-scan"},
    "ADD FOREIGN KEY (parent) REFERENCES parents": {"observed-scan"},
    "ADD UNIQUE (name)": {"observed-index-build"},
}


def test_each_statement_is_seen_to_do_what_the_manual_says(database: Database, directory: AlembicDirectory) -> None:
    statements = list(STATEMENTS)
    # Each on a table of its own, so that none builds on another.
    directory.revision("0001", None, SCHEMA)
    tables = [f"things{number}" for number in range(len(statements))]
    directory.revision("0002", "0001", ";".join(f"CREATE TABLE {table} (LIKE things)" for table in tables))
    for number, (table, statement) in enumerate(zip(tables, statements, strict=True), 3):
        directory.revision(f"{number:04}", f"{number - 1:04}", f"ALTER TABLE {table} {statement}")
    migrate(database.master, directory.path, target="0002")
    with scratch(database.master, directory.path) as made:
        found = observe(made, directory.path, [f"{number:04}" for number in range(3, len(statements) + 3)])
    assert {
        statement: rules(observation) for statement, observation in zip(statements, found, strict=True)
    } == STATEMENTS


def test_a_scan_that_a_constraint_spares_is_none(database: Database, directory: AlembicDirectory) -> None:
    [observation] = observed(
        database,
        directory,
        "op.execute('ALTER TABLE things ADD CONSTRAINT given CHECK (parent IS NOT NULL) NOT VALID')\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('ALTER TABLE things VALIDATE CONSTRAINT given')\n"
        "op.execute('ALTER TABLE things ALTER parent SET NOT NULL')",
    )
    assert rules(observation) == set()


def test_a_transaction_that_locks_several_tables_is_seen(database: Database, directory: AlembicDirectory) -> None:
    together, apart = observed(
        database,
        directory,
        "op.execute('ALTER TABLE things ADD COLUMN a int')\nop.execute('ALTER TABLE parents ADD COLUMN a int')",
        "op.execute('ALTER TABLE things ADD COLUMN b int')\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute('ALTER TABLE parents ADD COLUMN b int')",
    )
    assert rules(together) == {"observed-several-tables"}
    [found] = together.findings
    assert "public.parents against all use while its transaction still holds public.things" in found.problem
    assert found.line == 8
    assert rules(apart) == set()


def test_an_index_outside_of_a_transaction_is_watched_from_a_second_session(
    database: Database, directory: AlembicDirectory
) -> None:
    plain, concurrent = observed(
        database,
        directory,
        "with op.get_context().autocommit_block():\n    op.execute('CREATE INDEX a ON things (name)')",
        "with op.get_context().autocommit_block():\n    op.execute('CREATE INDEX CONCURRENTLY b ON things (name)')",
    )
    assert rules(plain) == {"observed-index-build"}
    assert rules(concurrent) == set()


def test_what_the_revision_itself_has_made_keeps_nobody_waiting(
    database: Database, directory: AlembicDirectory
) -> None:
    [observation] = observed(
        database,
        directory,
        "op.execute('CREATE TABLE fresh (id int, name text)')\n"
        "op.execute('ALTER TABLE fresh ALTER id TYPE bigint')\n"
        "op.execute('CREATE INDEX a ON fresh (name)')",
    )
    assert observation.statements is not None
    assert len(observation.statements) == 3
    assert rules(observation) == set()
