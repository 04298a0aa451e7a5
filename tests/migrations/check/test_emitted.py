"""What a revision emits, told without a database: its statements, their lines, and what cannot be told."""

from pathlib import Path

import pytest

from seachange_migrations.check import Statement
from seachange_migrations.check.emitted import emitted
from seachange_migrations.check.revisions import opened
from seachange_migrations.check.statement import Emitted
from tests.migrations.databases import AlembicDirectory

# Of a revision that AlembicDirectory writes, the body of upgrade() begins on this line.
FIRST = 7
NEVER_RUN = "raise SystemExit('env.py is not run')"


def shown(tmp_path: Path, body: str) -> Emitted:
    directory = AlembicDirectory(tmp_path / "100%" / "migrations", env=NEVER_RUN)
    directory.revision("0001", None, body=body)
    script, config = opened(directory.path)
    return emitted(script, script.get_revision("0001"), config)


def test_statements_and_their_lines(tmp_path: Path) -> None:
    body = """\
    import sqlalchemy as sa
    op.add_column("customers", sa.Column("city", sa.Text(), server_default="100%"))
    for name in ("a", "b"):
        op.execute(f"DROP TABLE {name}")
    op.execute(sa.text("UPDATE a SET b = :b").bindparams(b="x"))
    """
    assert shown(tmp_path, body).statements == (
        Statement(sql="ALTER TABLE customers ADD COLUMN city TEXT DEFAULT '100%'", line=FIRST + 1),
        Statement(sql="DROP TABLE a", line=FIRST + 3),
        Statement(sql="DROP TABLE b", line=FIRST + 3),
        Statement(sql="UPDATE a SET b = 'x'", line=FIRST + 4),
    )


def test_the_connection_is_heard_too(tmp_path: Path) -> None:
    body = "import sqlalchemy as sa\nop.get_bind().execute(sa.text('DROP TABLE a'))"
    assert shown(tmp_path, body).statements == (Statement(sql="DROP TABLE a", line=FIRST + 1),)


def test_outside_of_a_transaction(tmp_path: Path) -> None:
    body = """
    op.execute("SELECT 1")
    with op.get_context().autocommit_block():
        op.create_index("i", "t", ["c"], postgresql_concurrently=True)
    op.execute("COMMIT")
    """
    assert [(found.sql, found.autocommit) for found in shown(tmp_path, body).statements] == [
        ("SELECT 1", False),
        ("CREATE INDEX CONCURRENTLY i ON t (c)", True),
        ("COMMIT", False),
    ]


def test_batches_are_told_at_the_with(tmp_path: Path) -> None:
    body = """\
    with op.batch_alter_table("t") as batch:
        batch.drop_column("c")
    """
    assert shown(tmp_path, body).statements == (Statement(sql="ALTER TABLE t DROP COLUMN c", line=FIRST),)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("for row in op.get_bind().execute(sa.text('SELECT 1')):\n    pass", "NoneType"),
        ("sa.inspect(op.get_bind()).get_table_names()", "NoInspectionAvailable"),
        ("op.get_context().config.no_such_thing", "AttributeError"),
        ("sa.create_engine('postgresql+psycopg://nobody@127.0.0.1:9/x').connect()", "connects to a database by itself"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
def test_what_cannot_be_told(tmp_path: Path, body: str, problem: str) -> None:
    found = shown(tmp_path, f"import sqlalchemy as sa\nop.execute('SELECT 1')\n{body}")
    assert [statement.sql for statement in found.statements][:1] == ["SELECT 1"]
    assert found.problem is not None
    assert problem in found.problem
    assert "\n" not in found.problem
    assert found.line == FIRST + 2


def test_what_it_prints_is_swallowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(tmp_path, "print('working')") == Emitted(statements=())
    assert capsys.readouterr().out == ""
