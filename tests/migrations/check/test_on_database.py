"""`seachange check --url`: a scratch database beside the real one shows what the files do not."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from seachange.cli.app import app
from seachange_migrations.check import Result, Source, Verdict, check
from seachange_migrations.check.on_database import check_on
from seachange_migrations.errors import MigrationError, UnknownRevisionError
from seachange_migrations.migrate import migrate
from tests.migrations.databases import MASTER_PASSWORD, AlembicDirectory, Database
from tests.migrations.proof.services import Service

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


def test_each_statement_that_was_not_executed_is_one_short_line(database: Database, migrated: AlembicDirectory) -> None:
    long = "\n".join(f"    PERFORM {number};" for number in range(50))
    Service(database).executes(f"DO $$\nBEGIN\n{long}\nEND $$")
    [note] = [one for one in check_on(database.master, migrated.path).notes if one.startswith("workload, unknown: ")]
    assert note.startswith("workload, unknown: DO $$ BEGIN PERFORM 0; ")
    assert note.endswith("it is neither SELECT nor INSERT, UPDATE, DELETE or MERGE")
    assert "\n" not in note
    assert len(note) < 250


def test_a_role_that_may_not_make_databases(database: Database, migrated: AlembicDirectory) -> None:
    database.rows(f"ALTER ROLE {database.master.user} NOCREATEDB")
    result = check_on(database.master, migrated.path)
    assert [found.rule for found in result.revisions[0].findings] == ["not-rendered"]
    assert "--url" not in result.revisions[0].findings[0].remedy
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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("None.fetchall()", "AttributeError: 'NoneType' object has no attribute 'fetchall'."),
        ("raise RuntimeError('no table is named so')", "RuntimeError: no table is named so."),
        (
            "if op.get_bind() is not None and op.get_bind().closed is False:\n    raise SystemExit(0)",
            "ExitError: SystemExit(0) would end the process",
        ),
        ("int('Ann')", "ValueError, whose message may quote a row."),
    ],
)
def test_why_it_was_not_applied(database: Database, migrated: AlembicDirectory, body: str, said: str) -> None:
    migrated.revision("0002", "0001", body=body)
    [result] = check_on(database.master, migrated.path).revisions
    rendered, applied = result.findings
    assert (rendered.rule, applied.rule) == ("not-rendered", "observed-not-applied")
    assert applied.problem.startswith(
        f"nobody saw what it does: revision 0002 does not run on the scratch database: {said}"
    )
    assert "--url" not in rendered.remedy


OPERATIONS = (
    """
op.rename_column("customers", "name", "full_name", type_="text")
op.backfill("customers", sync="customers_full_name")
""",
    """
op.sync_columns("customers", old="address", new={"street": "text", "city": "text"}, lossy=True,
                forward={"street": "split_part(address, ',', 1)", "city": "trim(split_part(address, ',', 2))"},
                backward="street || ', ' || city")
op.backfill("customers", sync="customers_street")
""",
    """
op.change_type("customers", "amount", "amount_big", "bigint", forward="amount::bigint", backward="amount_big::int", lossy=True)
op.backfill("customers", sync="customers_amount_big")
op.backfill("customers", set={"note": "''"}, where="note IS NULL")
""",
    """
op.set_not_null("customers", "note")
op.add_unique("customers_note_key", "customers", ["note"])
op.add_foreign_key("customers_known_fkey", "customers", "known", ["known"], ["id"])
""",
    """
for sync in ("customers_full_name", "customers_street", "customers_amount_big"):
    op.drop_synced("customers", sync=sync)
""",
)


def test_an_operation_of_ours_is_judged_with_a_database_as_without(
    database: Database, directory: AlembicDirectory
) -> None:
    directory.revision(
        "0001",
        None,
        "CREATE TABLE known (id int PRIMARY KEY); CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, "
        "address text, amount int, note text, known int); INSERT INTO customers VALUES (1, 'a', 'b, c', 1, 'd', NULL)",
    )
    migrate(database.master, directory.path)
    for number, body in enumerate(OPERATIONS, start=2):
        phase = "contract" if "drop_synced" in body else "expand"
        directory.revision(f"{number:04}", f"{number - 1:04}", body=body, phase=phase)
    with_it = check_on(database.master, directory.path)
    without = check(directory.path, revisions=[one.revision for one in with_it.revisions])

    def of(result: Result) -> list[tuple[str, list[tuple[str, int | None]]]]:
        from_sql = [
            [(found.rule, found.line) for found in one.findings if found.source is Source.SQL]
            for one in result.revisions
        ]
        return list(zip([one.revision for one in result.revisions], from_sql, strict=True))

    assert of(with_it) == of(without)
    assert [one.verdict for one in with_it.revisions][:3] == [Verdict.SAFE] * 3
    assert {found.rule for one in with_it.revisions for found in one.findings} <= {"new-constraint", "drop-synced"}


def test_values_that_are_bound_and_percent_signs_are_read_as_the_server_reads_them(
    database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, address text)")
    migrate(database.master, directory.path)
    body = """
import sqlalchemy as sa
op.get_bind().execute(sa.text("SELECT 1 % 2 FROM customers WHERE address LIKE '%' AND id = :id"), {"id": 1})
op.get_bind().execute(sa.text("INSERT INTO customers VALUES (:id, :address)"), [{"id": 1, "address": "a"}, {"id": 2, "address": "b"}])
"""
    directory.revision("0002", "0001", body=body, phase="expand")
    [result] = check_on(database.master, directory.path).revisions
    assert {found.rule for found in result.findings} & {"not-parsed", "not-rendered", "observed-not-applied"} == set()
