"""What the rules claim, asked of a real PostgreSQL: that it takes the cases, what it rewrites, reads and locks."""

import psycopg
import pytest

from tests.migrations.check.cases import CASES, Sql

EVERY = {str(case): case for cases in CASES.values() for case in cases.refused + cases.allowed if case.runs}
REWRITES = CASES["rewrite-table"]
SCANS = CASES["scan-under-lock"]
FILES = (
    "SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relname IN ('customers', 'orders') ORDER BY relname"
)
WORK = ("verifying table", "validating foreign key constraint", "building index")


def test_postgres_takes_every_case(own_database: psycopg.Connection) -> None:
    """So that no case is about SQL that nobody can write."""
    for name, case in EVERY.items():
        if case.alone:
            continue
        try:
            with own_database.transaction(force_rollback=True):
                for statement in case.statements:
                    own_database.execute(statement.encode())
        except psycopg.Error as error:
            pytest.fail(f"{name}: {error}")


@pytest.mark.parametrize("case", [case for case in EVERY.values() if case.alone], ids=str)
def test_postgres_takes_what_stands_alone(own_database: psycopg.Connection, case: Sql) -> None:
    for statement in case.statements:
        own_database.execute(statement.encode())


def test_which_statements_rewrite(own_database: psycopg.Connection) -> None:
    cases = [(case, True) for case in REWRITES.refused] + [(case, False) for case in REWRITES.allowed]
    for case, rewrites in (found for found in cases if found[0].runs):
        with own_database.transaction(force_rollback=True):
            before = own_database.execute(FILES).fetchall()
            for statement in case.statements:
                own_database.execute(statement.encode())
            assert (own_database.execute(FILES).fetchall() != before) is rewrites, case


def test_which_statements_read_every_row(own_database: psycopg.Connection) -> None:
    said: list[str] = []
    own_database.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
    own_database.execute("SET client_min_messages = debug1")
    cases = [(case, True) for case in SCANS.refused] + [(case, False) for case in SCANS.allowed]
    for case, reads in (found for found in cases if found[0].runs):
        said.clear()
        with own_database.transaction(force_rollback=True):
            for statement in case.statements:
                if not statement.startswith("CREATE TABLE fresh") and "fresh" not in statement:
                    own_database.execute(statement.encode())
        worked = [line for line in said if line.startswith(WORK)]
        assert bool(worked) is reads or case.alone, (case, said)
