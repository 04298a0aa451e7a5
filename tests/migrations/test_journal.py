"""Revisions that commit inside: what a next try leaves out, executes again, or refuses to guess."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from seachange_migrations import safety
from seachange_migrations.errors import CannotResumeError, RevisionFailedError
from seachange_migrations.migrate import migrate
from tests.migrations.databases import MAKES_ITS_OWN_ENGINE, AlembicDirectory, Database

FAIL = "op.execute('SELECT broken()')"


@pytest.fixture
def tried(database: Database, directory: AlembicDirectory) -> Callable[..., None]:
    """Runs a revision whose `body` fails the first time at its line FAIL, and then, mended, once more."""

    def run(body: str, *, mended: str | None = None) -> None:
        directory.revision("0001", None, body=body)
        with pytest.raises(RevisionFailedError):
            migrate(database.master, directory.path)
        directory.revision("0001", None, body=mended if mended is not None else body.replace(FAIL, "pass"))
        migrate(database.master, directory.path)
        assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]
        assert database.rows("SELECT * FROM seachange.journal") == []

    return run


# Each has an effect that a second execution would fail on, or double, before and after each kind of commit.
COMMITS = {
    "autocommit block": """
        op.execute("CREATE TABLE one (id int)")
        with op.get_context().autocommit_block():
            op.execute("CREATE TABLE two (id int)")
            op.execute("INSERT INTO one VALUES (1)")
            {fail}
        op.execute("INSERT INTO two VALUES (2)")
    """,
    "raw COMMIT": """
        op.execute("CREATE TABLE one (id int)")
        op.execute("/* so far */ commit;")
        op.execute("CREATE TABLE two (id int)")
        op.execute("INSERT INTO one VALUES (1)")
        op.execute("COMMIT")
        {fail}
        op.execute("INSERT INTO two VALUES (2)")
    """,
    "a COMMIT in a longer text": """
        op.execute("CREATE TABLE one (id int); CREATE TABLE two (id int); COMMIT")
        op.execute("INSERT INTO one VALUES (1); COMMIT")
        {fail}
        op.execute("INSERT INTO two VALUES (2)")
    """,
    "the connection's commit": """
        bind = op.get_bind()
        op.execute("CREATE TABLE one (id int)")
        op.execute("CREATE TABLE two (id int)")
        op.execute("INSERT INTO one VALUES (1)")
        bind.commit()
        {fail}
        op.execute("INSERT INTO two VALUES (2)")
        bind.commit()
    """,
    "a transaction within autocommit": """
        with op.get_context().autocommit_block():
            op.execute("BEGIN")
            op.execute("CREATE TABLE one (id int)")
            op.execute("CREATE TABLE two (id int)")
            op.execute("END")
            op.execute("BEGIN")
            op.execute("INSERT INTO one VALUES (1)")
            op.execute("COMMIT")
            {fail}
            op.execute("INSERT INTO two VALUES (2)")
    """,
    "the driver's transaction": """
        with op.get_context().autocommit_block():
            bind = op.get_bind()
            with bind.connection.driver_connection.transaction():
                bind.exec_driver_sql("CREATE TABLE one (id int)")
                bind.exec_driver_sql("CREATE TABLE two (id int)")
                bind.exec_driver_sql("INSERT INTO one VALUES (1)")
            op.execute("INSERT INTO one SELECT 1 WHERE false")
            {fail}
            op.execute("INSERT INTO two VALUES (2)")
    """,
    "parameters and many rows": """
        import sqlalchemy as sa
        table = op.create_table("one", sa.Column("id", sa.Integer), sa.Column("document", sa.JSON))
        op.create_table("two", sa.Column("id", sa.Integer))
        op.bulk_insert(table, [{{"id": 1, "document": {{"a": "5%"}}}}])
        with op.get_context().autocommit_block():
            op.get_bind().execute(sa.text("UPDATE one SET id = id + :by"), {{"by": 10}})
            op.get_bind().execute(sa.text("UPDATE one SET id = id - :by"), {{"by": 10}})
        {fail}
        op.execute("INSERT INTO two VALUES (2)")
    """,
}


@pytest.mark.parametrize("commits", COMMITS)
def test_what_is_applied_is_left_out(database: Database, tried: Callable[..., None], commits: str) -> None:
    tried(COMMITS[commits].format(fail=FAIL))
    assert database.rows("SELECT id FROM one") == [(1,)]
    assert database.rows("SELECT id FROM two") == [(2,)]


def test_with_an_engine_of_env_pys_own(database: Database, directory: AlembicDirectory) -> None:
    (directory.path / "env.py").write_text(MAKES_ITS_OWN_ENGINE, "utf-8")
    body = COMMITS["autocommit block"]
    directory.revision("0001", None, body=body.format(fail=FAIL))
    with pytest.raises(RevisionFailedError, match=r"committed \d time\(s\) inside, .* what is applied is remembered"):
        migrate(database.master, directory.path)
    directory.revision("0001", None, body=body.format(fail="pass"))
    assert migrate(database.master, directory.path).after == ("0001",)
    assert database.rows("SELECT id FROM one UNION ALL SELECT id FROM two ORDER BY id") == [(1,), (2,)]


def test_an_ordinary_revision_leaves_no_trace(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE one (id int)")
    directory.revision("0002", "0001", body="with op.get_context().autocommit_block():\n    op.execute('SELECT 1')")
    directory.revision("0003", "0002", body="op.execute('CREATE TABLE two (id int)')\nop.execute('SELECT 1 / 0')")
    with pytest.raises(RevisionFailedError, match=r"It was rolled back; mend it and run it again\.$"):
        migrate(database.master, directory.path)
    assert database.rows("SELECT FROM pg_namespace WHERE nspname = 'seachange'") == []


def test_reads_are_executed_again(database: Database, tried: Callable[..., None]) -> None:
    body = f"""
    bind = op.get_bind()
    op.execute("CREATE TABLE one (id int)")
    with op.get_context().autocommit_block():
        for number in bind.exec_driver_sql("SELECT * FROM generate_series(1, 2) AS n").scalars():
            op.execute(f"INSERT INTO one VALUES ({{number}})")
        rows = bind.exec_driver_sql("SELECT id FROM one ORDER BY id").scalars().all()
    {FAIL}
    assert rows == [1, 2], rows
    """
    tried(body)
    assert database.rows("SELECT id FROM one ORDER BY id") == [(1,), (2,)]


def test_a_revision_that_looks_first_and_then_does_something_else_stops(tried: Callable[..., None]) -> None:
    body = f"""
    import sqlalchemy as sa
    def is_missing(table):
        return not sa.inspect(op.get_bind()).has_table(table)
    if is_missing("one"):
        op.execute("CREATE TABLE one (id int)")
    op.execute("COMMIT")
    {FAIL}
    if is_missing("two"):
        op.execute("CREATE TABLE two (id int)")
    """
    with pytest.raises(
        CannotResumeError, match=r"it sends `CREATE TABLE two .* Applied and committed: 1\. CREATE TABLE one"
    ):
        tried(body)


def test_row_counts_are_what_they_were(database: Database, tried: Callable[..., None]) -> None:
    body = f"""
    bind = op.get_bind()
    op.execute("CREATE TABLE one AS SELECT n AS id, false AS done FROM generate_series(1, 5) n")
    with op.get_context().autocommit_block():
        batches = 0
        while bind.exec_driver_sql(
            "UPDATE one SET done = true WHERE id IN (SELECT id FROM one WHERE NOT done ORDER BY id LIMIT 2)"
        ).rowcount:
            batches += 1
            if batches == 2:
                {FAIL}
        op.execute(f"CREATE TABLE batches_{{batches}} (id int)")
    """
    tried(body)
    assert database.rows("SELECT count(*) FROM one WHERE done") == [(5,)]
    assert "batches_3" in database.tables()


REFUSED = {
    "another parameter": (
        "import uuid\nop.get_bind().exec_driver_sql('INSERT INTO seen VALUES (%s)', (str(uuid.uuid4()),))",
        "it sends `INSERT INTO seen",
    ),
    "rows of a write": (
        "op.get_bind().exec_driver_sql(\"INSERT INTO seen VALUES ('a') RETURNING name\").scalar()",
        "what `INSERT INTO seen VALUES ('a') RETURNING name` returned is not known any more",
    ),
    "a read that writes": (
        "op.get_bind().exec_driver_sql(\"SELECT setval('counter', nextval('counter') + 1)\")",
        "it sends `SELECT setval",
    ),
}


@pytest.mark.parametrize("how", ["with op.get_context().autocommit_block():", "if True:"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_replayed_stops_in_one_line(
    database: Database, directory: AlembicDirectory, case: str, how: str
) -> None:
    body, message = REFUSED[case]
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    database.rows("CREATE TABLE seen (name text); CREATE SEQUENCE counter")
    database.rows(f"GRANT ALL ON seen, counter TO {database.master.user}")
    directory.revision("0001", None, body=f"{how}\n{indented}\nop.execute('COMMIT')\n{FAIL}")
    with pytest.raises(RevisionFailedError):
        migrate(database.master, directory.path)
    before = database.rows("SELECT count(*), (SELECT last_value FROM counter) FROM seen")
    for _ in range(2):
        with pytest.raises(CannotResumeError) as caught:
            migrate(database.master, directory.path)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "DELETE FROM seachange.journal WHERE revision = '0001'" in str(caught.value)
    assert database.rows("SELECT count(*), (SELECT last_value FROM counter) FROM seen") == before


def test_what_the_message_says_is_a_way_out(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=f"op.execute('CREATE TABLE one (id int)')\nop.execute('COMMIT')\n{FAIL}")
    with pytest.raises(RevisionFailedError):
        migrate(database.master, directory.path)
    directory.revision("0001", None, "CREATE TABLE IF NOT EXISTS one (id bigint)")
    with pytest.raises(CannotResumeError):
        migrate(database.master, directory.path)
    database.rows("DELETE FROM seachange.journal WHERE revision = '0001'")
    assert migrate(database.master, directory.path).after == ("0001",)


def test_a_journal_outlives_no_applied_revision(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=f"op.execute('CREATE TABLE one (id int)')\nop.execute('COMMIT')\n{FAIL}")
    with pytest.raises(RevisionFailedError):
        migrate(database.master, directory.path)
    database.rows("INSERT INTO alembic_version VALUES ('0001')")
    database.rows("UPDATE seachange.journal SET revision = 'of another directory' WHERE false")
    migrate(database.master, directory.path)
    assert database.rows("SELECT * FROM seachange.journal") == []


def test_a_role_that_may_not_remember_is_refused_before_the_commit(
    database: Database, directory: AlembicDirectory
) -> None:
    database.rows(f"ALTER DATABASE {database.name} OWNER TO postgres")
    database.rows(f"GRANT ALL ON SCHEMA public TO {database.master.user}")
    directory.revision("0001", None, body="op.execute('CREATE TABLE one (id int)')\nop.execute('COMMIT')")
    with pytest.raises(Exception, match="GRANT CREATE ON DATABASE"):
        migrate(database.master, directory.path)
    assert "one" not in database.tables()


def test_a_lock_timeout_behind_a_commit_goes_on_behind_it(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "LOCK_TIMEOUT_MS", 200)
    database.rows("CREATE TABLE busy (id int)")
    database.rows(f"ALTER TABLE busy OWNER TO {database.master.user}")
    body = """
    op.execute("CREATE TABLE one (id int)")
    with op.get_context().autocommit_block():
        op.execute("INSERT INTO one VALUES (1)")
        op.execute("ALTER TABLE busy ADD COLUMN name text")
    op.execute("INSERT INTO one VALUES (2)")
    """
    directory.revision("0001", None, body=body)
    with database.connect() as other:
        other.execute("BEGIN; SELECT * FROM busy")
        timer = threading.Timer(1.0, other.rollback)
        timer.start()
        migrate(database.master, directory.path)
        timer.join()
    assert database.rows("SELECT id FROM one ORDER BY id") == [(1,), (2,)]


PROGRAM = """
import sys; from pathlib import Path
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.migrate import migrate
host, port, database, user, password, directory = sys.argv[1:]
settings = ConnectionSettings(host=host, port=int(port), database=database, user=user, password=password)
migrate(settings, Path(directory))
"""


def deployer(database: Database, directory: AlembicDirectory) -> subprocess.Popen[bytes]:
    to = database.master
    arguments = [to.host, str(to.port), to.database, to.user, to.password, str(directory.path)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])


@pytest.mark.slow
@pytest.mark.parametrize("point", range(6))
def test_killed_between_inner_commits(database: Database, directory: AlembicDirectory, point: int) -> None:
    """A killed process and then another: as if nothing had happened."""
    steps = [
        "op.execute('CREATE TABLE one (id int)')",
        "op.execute('COMMIT')",
        "block.__enter__(); op.execute('INSERT INTO one VALUES (1)')",
        "op.execute('CREATE INDEX CONCURRENTLY by_id ON one (id)')",
        "op.execute('INSERT INTO one VALUES (2)'); block.__exit__(None, None, None)",
        "op.execute('ALTER TABLE one ADD COLUMN name text')",
    ]
    reached = directory.path / "reached"
    steps.insert(point + 1, 'op.get_bind().exec_driver_sql("SELECT pg_sleep(30) WHERE true") if wait() else None')
    body = f"""
    import pathlib
    reached = pathlib.Path({str(reached)!r})
    def wait():
        first = not reached.exists()
        reached.touch()
        return first
    block = op.get_context().autocommit_block()
    """
    directory.revision(
        "0001",
        None,
        body="\n".join(
            [*(line.strip() if not line.startswith("        ") else line[4:] for line in body.splitlines()), *steps]
        ),
    )
    process = deployer(database, directory)
    deadline = time.monotonic() + 20
    while not reached.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
    )
    assert migrate(database.master, directory.path).after == ("0001",)
    assert database.rows("SELECT id, name FROM one ORDER BY id") == [(1, None), (2, None)]
    assert database.rows("SELECT indisvalid FROM pg_index WHERE indrelid = 'one'::regclass") == [(True,)]
