"""`seachange check --url`: a scratch database beside the real one shows what the files do not."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from seachange.cli.app import app
from seachange_migrations.check import Source, Verdict
from seachange_migrations.check.on_database import check_on
from seachange_migrations.errors import MigrationError, UnknownRevisionError
from seachange_migrations.migrate import migrate
from tests.migrations.databases import MASTER_PASSWORD, AlembicDirectory, Database

DECIDES_BY_ROWS = """
names = [name for (name,) in op.get_bind().exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
if "customers" in names:
    op.execute("ALTER TABLE customers DROP COLUMN address")
"""


@pytest.fixture
def migrated(database: Database, directory: AlembicDirectory) -> AlembicDirectory:
    """A database at 0001; 0002 cannot be known from its file."""
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, address text)")
    migrate(database.master, directory.path)
    directory.revision("0002", "0001", body=DECIDES_BY_ROWS)
    return directory


def test_what_cannot_be_rendered_is_seen(database: Database, migrated: AlembicDirectory) -> None:
    before = database.rows("SELECT count(*) FROM pg_database")
    [result] = check_on(database.master, migrated.path).revisions
    assert result.revision == "0002"
    assert result.verdict is Verdict.CONTRACT
    [drop] = [found for found in result.findings if found.rule == "drop-column"]
    assert (drop.source, drop.line) == (Source.SQL, 10)
    assert "not-rendered" not in {found.rule for found in result.findings}
    assert database.rows("SELECT address FROM customers") == []
    assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]
    assert database.rows("SELECT count(*) FROM pg_database") == before


def test_what_was_not_shown_is_told(database: Database, migrated: AlembicDirectory) -> None:
    notes = "\n".join(check_on(database.master, migrated.path).notes)
    assert "observed on a scratch database, made from " in notes
    assert "no statement of the serving release was executed: " in notes or "workload: " in notes


def test_a_role_that_may_not_make_databases(database: Database, migrated: AlembicDirectory) -> None:
    database.rows(f"ALTER ROLE {database.master.user} NOCREATEDB")
    result = check_on(database.master, migrated.path)
    assert [found.rule for found in result.revisions[0].findings] == ["not-rendered"]
    assert any(note.startswith("nothing was observed, only the SQL was read: ") for note in result.notes)


def test_nothing_is_pending(database: Database, migrated: AlembicDirectory) -> None:
    (migrated.path / "versions/0002.py").unlink()
    assert check_on(database.master, migrated.path).revisions == ()
    # What the database has already is checked by its SQL, and nothing is made for it.
    result = check_on(database.master, migrated.path, revisions=["0001"])
    assert (result.revisions[0].verdict, result.notes) == (Verdict.SAFE, ())


def test_a_database_that_is_newer(database: Database, directory: AlembicDirectory, tmp_path: Path) -> None:
    directory.example()
    migrate(database.master, directory.path)
    older = AlembicDirectory(tmp_path / "older")
    older.revision("0001", None)
    with pytest.raises(UnknownRevisionError):
        check_on(database.master, older.path)


def test_the_command(database: Database, migrated: AlembicDirectory) -> None:
    at = database.master
    url = f"postgresql://{at.user}:{quote(MASTER_PASSWORD, safe='')}@{at.host}:{at.port}/{at.database}"
    done = CliRunner().invoke(app, ["check", str(migrated.path), "--url", url, "--format", "json"])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    assert [one["verdict"] for one in json.loads(done.stdout)["revisions"]] == ["contract"]
    wrong = CliRunner().invoke(
        app, ["check", str(migrated.path), "--url", url.replace(f":{quote(MASTER_PASSWORD, safe='')}@", ":wrong@")]
    )
    assert isinstance(wrong.exception, MigrationError)
    assert "\n" not in str(wrong.exception)
