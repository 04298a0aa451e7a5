"""`migrate` on a real PostgreSQL, as the role of a database's owner."""

from pathlib import Path
from typing import Any

import pytest

from seachange_migrations.errors import RevisionFailedError, UnknownRevisionError, WrongOrderError
from seachange_migrations.migrate import migrate
from seachange_migrations.phases import Phase
from seachange_migrations.report import Report
from seachange_migrations.running import current
from tests.migrations.databases import MAKES_ITS_OWN_ENGINE, AlembicDirectory, Database


def columns(database: Database) -> set[str]:
    return {
        name
        for (name,) in database.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'"
        )
    }


def test_release_after_release(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    first = migrate(database.master, directory.path, target="0001")
    assert (first.before, first.after, first.revisions) == ((), ("0001",), ("0001",))
    second = migrate(database.master, directory.path, target="expand@head")
    assert (second.before, second.after, second.revisions) == (("0001",), ("0002",), ("0002",))
    assert columns(database) == {"id", "address", "city"}
    third = migrate(database.master, directory.path, Phase.CONTRACT)
    assert (third.before, third.after, third.revisions) == (("0002",), ("0003",), ("0003",))
    assert columns(database) == {"id", "city"}


def test_twice_is_once(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    migrate(database.master, directory.path)
    again = migrate(database.master, directory.path)
    assert (again.revisions, again.before) == ((), again.after)


def test_an_older_target_takes_nothing_back(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    migrate(database.master, directory.path, target="expand@head")
    report = migrate(database.master, directory.path, target="0001")
    assert (report.revisions, report.after) == ((), ("0002",))
    assert "city" in columns(database)


def test_an_empty_database_gets_both_phases(database: Database, directory: AlembicDirectory) -> None:
    report = migrate(database.master, directory.example().path)
    assert report.revisions == ("0001", "0002", "0003")
    assert columns(database) == {"id", "city"}


def test_a_first_migration_that_fails_goes_on_as_the_first(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int)")
    directory.revision("0002", "0001", "CREATE TABLE", phase="contract")
    directory.revision("0003", "0002")
    with pytest.raises(RevisionFailedError):
        migrate(database.master, directory.path)
    directory.revision("0002", "0001", phase="contract")
    assert migrate(database.master, directory.path).revisions == ("0002", "0003")
    # From now on it is a database like any other.
    directory.revision("0004", "0003", phase="contract")
    directory.revision("0005", "0004")
    with pytest.raises(WrongOrderError, match="contract first"):
        migrate(database.master, directory.path)
    assert database.rows("SELECT obj_description('alembic_version'::regclass)") == [(None,)]


def test_an_env_py_that_makes_its_own_engine(database: Database, tmp_path: Path) -> None:
    directory = AlembicDirectory(tmp_path / "100%" / "own", MAKES_ITS_OWN_ENGINE).example()
    directory.revision("0004", "0002", "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout")
    migrate(database.master, directory.path, target="0001")
    assert migrate(database.master, directory.path, target="expand@head").revisions == ("0002", "0004")
    assert database.rows("SELECT lock_timeout FROM seen") == [("2s",)]


def test_a_version_table_of_another_name_and_schema(database: Database, tmp_path: Path) -> None:
    env = """
from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
connection.execute(text("CREATE SCHEMA IF NOT EXISTS \\"Meta\\""))  # begins a transaction that Alembic does not end
context.configure(connection=connection, version_table="Versions", version_table_schema="Meta")
with context.begin_transaction():
    context.run_migrations()
"""
    directory = AlembicDirectory(tmp_path / "migrations", env).example()
    report = migrate(database.master, directory.path)
    assert report.version_table == '"Meta"."Versions"'
    assert database.rows('SELECT version_num FROM "Meta"."Versions"') == [("0003",)]
    assert migrate(database.master, directory.path).revisions == ()


def test_each_revision_is_a_transaction(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE kept (id int)")
    directory.revision("0002", "0001", body="op.execute('CREATE TABLE gone (id int)')\nop.execute('SELECT 1 / 0')")
    with pytest.raises(
        RevisionFailedError, match="revision 0002 failed: DivisionByZero: division by zero, in: SELECT 1 / 0"
    ):
        migrate(database.master, directory.path)
    assert database.tables() == {"kept", "alembic_version"}


def test_a_failure_after_a_commit_inside_says_so(database: Database, directory: AlembicDirectory) -> None:
    body = "with op.get_context().autocommit_block():\n    op.execute('CREATE TABLE kept (id int)')\nop.execute('SELECT 1 / 0')"
    directory.revision("0001", None, body=body)
    with pytest.raises(RevisionFailedError, match=r"It had committed \d time\(s\) inside, and that part stays"):
        migrate(database.master, directory.path)
    assert "kept" in database.tables()


def test_progress(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None)
    seen: list[Any] = []
    migrate(database.master, directory.path, on_progress=seen.append)
    assert [entry["event"] for entry in seen] == ["planned", "revision_started", "revision_applied"]


def test_an_operation_asks_its_run(database: Database, directory: AlembicDirectory) -> None:
    body = """
    from seachange_migrations.running import current
    run = current()
    run.rows_backfilled += 42
    run.on_progress({"event": "asked", "of": [run.revision, run.profile, run.deferred_rows, run.time_left()]})
    """
    directory.revision("0001", None, body=body)
    seen: list[Any] = []
    report = migrate(
        database.master,
        directory.path,
        on_progress=seen.append,
        time_left=lambda: 60.0,
        profile="fast",
        deferred_rows=1000,
    )
    assert report.rows_backfilled == 42
    assert [entry["of"] for entry in seen if entry["event"] == "asked"] == [["0001", "fast", 1000, 60.0]]
    assert (current().revision, current().profile) == ("", "gentle"), "the run is over"


def test_operations_need_no_import(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int, name text)")
    directory.revision("0002", "0001", body="op.set_not_null('customers', 'name')", phase="contract")
    migrate(database.master, directory.path)
    query = "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'name'"
    assert database.rows(query) == [(True,)]


def test_a_newer_database(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    migrate(database.master, directory.path, target="expand@head")
    for newer in ("0002", "0003"):
        (directory.path / "versions" / f"{newer}.py").unlink()
    with pytest.raises(UnknownRevisionError, match="0002"):
        migrate(database.master, directory.path)


def test_no_session_stays(database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path)
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'seachange-migrations' AND datname = current_database()"
    assert database.rows(query) == [(0,)]
    assert database.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_a_report_fits_cloudformation() -> None:
    many = tuple(f"{number:012x}" for number in range(900))
    report = Report.nothing(many)
    attributes = report.attributes()
    assert sum(len(name) + len(value.encode()) for name, value in attributes.items()) < 2_000
    assert attributes["From"].endswith(f"… (900 revisions, the last {many[-1]})")
    assert attributes["Revisions"] == ""


def test_a_database_that_serves_already_gets_one_phase(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE TABLE orders (id int PRIMARY KEY); CREATE MATERIALIZED VIEW seen AS SELECT * FROM orders")
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, note text)", phase="expand")
    directory.revision("0002", "0001", "ALTER TABLE customers DROP COLUMN note", phase="contract")
    told: list[Any] = []
    assert migrate(database.master, directory.path, on_progress=told.append).revisions == ("0001",)
    assert {"event": "not_empty", "tables": ("public.orders", "public.seen")} in told
    assert database.rows("SELECT note FROM customers") == []


def test_what_an_extension_brings_is_no_table_that_serves(database: Database, directory: AlembicDirectory) -> None:
    database.rows("CREATE EXTENSION pg_stat_statements")
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, note text)", phase="expand")
    directory.revision("0002", "0001", "ALTER TABLE customers DROP COLUMN note", phase="contract")
    assert migrate(database.master, directory.path).revisions == ("0001", "0002")
