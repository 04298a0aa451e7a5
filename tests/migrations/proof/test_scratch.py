"""The scratch database: at the real one's schema, apart from it, and gone afterwards."""

import os
import signal
import subprocess
import sys
import time

import psycopg
import pytest

from seachange_migrations.check.observed import observe
from seachange_migrations.check.scratch import ScratchError, scratch
from seachange_migrations.check.scratch.database import PREFIX, drop_stale
from seachange_migrations.connection import connect
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.proof.services import EXAMPLE, ROOT, scratches

ELSEWHERE = """
import os
from alembic import context
from sqlalchemy import create_engine, pool
with create_engine(os.environ["TEST_URL"], poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ENDS_ON_SIGTERM = """
import sys, time
from pathlib import Path
from seachange_migrations.check.scratch import scratch
from seachange_migrations.connection import ConnectionSettings
host, port, database, user, password, directory = sys.argv[1:]
settings = ConnectionSettings(host=host, port=int(port), database=database, user=user, password=password)
with scratch(settings, Path(directory)):
    print("made", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def no_pg_dump(monkeypatch: pytest.MonkeyPatch) -> None:
    """The schema comes from the revisions, unless a test brings a pg_dump."""
    monkeypatch.setenv("PATH", "/nowhere")


def test_it_has_the_schema_that_the_revisions_made_and_is_dropped(database: Database) -> None:
    migrate(database.master, EXAMPLE, target="0002")
    with scratch(database.master, EXAMPLE) as made:
        assert made.differences == {}
        assert made.source.startswith("the directory's revisions, for ")
        with connect(made.settings) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
            connection.execute("INSERT INTO customers (name, email) VALUES ('a', 'a')")
        assert scratches(database) == [made.settings.database]
    assert scratches(database) == []
    assert database.rows("SELECT count(*) FROM customers") == [(0,)]


def test_pg_dump_takes_over_what_no_revision_made(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    binaries = database.server.installation / "bin"
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")
    migrate(database.master, EXAMPLE, target="0002")
    database.rows("CREATE INDEX by_hand ON customers (name)")
    database.rows("ALTER INDEX by_hand SET (fillfactor = 80)")
    with scratch(database.master, EXAMPLE) as made:
        assert made.source == "pg_dump"
        assert made.differences == {}
        [observation] = observe(made, EXAMPLE, ["0003"])
        assert observation.statements is not None
        assert observation.findings == ()


def test_what_somebody_did_by_hand_makes_what_is_seen_of_that_table_unknown(
    database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, "CREATE TABLE drifted (id int); CREATE TABLE same (id int)")
    directory.revision("0002", "0001", "ALTER TABLE drifted ADD COLUMN a int")
    directory.revision("0003", "0002", "ALTER TABLE same ADD COLUMN a int")
    migrate(database.master, directory.path, target="0001")
    with database.connect(database.master) as connection:
        connection.execute("CREATE INDEX by_hand ON drifted (id)")
        connection.execute("ALTER TABLE drifted ALTER id SET DEFAULT 7")
    with scratch(database.master, directory.path) as made:
        assert made.differences == {"public.drifted": ("column id", "index by_hand")}
        drifted, same = observe(made, directory.path, ["0002", "0003"])
    assert [(finding.rule, finding.verdict) for finding in drifted.findings] == [("observed-drift", "unknown")]
    assert "column id, index by_hand" in drifted.findings[0].problem
    assert same.findings == ()


def test_privileges_and_settings_of_the_real_database_are_taken_over(
    database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, "CREATE TABLE things (id serial, secret text); CREATE TABLE others (id int)")
    migrate(database.master, directory.path)
    reader = database.application.user
    database.rows(f"CREATE ROLE {reader}")
    with database.connect(database.master) as connection:
        for grant in ("SELECT ON others", "UPDATE (secret) ON things", "USAGE ON SEQUENCE things_id_seq"):
            connection.execute(f"GRANT {grant} TO {reader}".encode())
        connection.execute(f"ALTER DATABASE {database.name} SET search_path = public, pg_temp".encode())
        connection.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader}".encode())
    with scratch(database.master, directory.path) as made:
        assert made.differences == {}
        with connect(made.settings) as connection:
            assert connection.execute("SHOW search_path").fetchone() == ("public, pg_temp",)
            connection.execute("CREATE TABLE later (id int)")
            asked = f"SELECT has_table_privilege('{reader}', 'later', 'SELECT')"
            assert connection.execute(asked.encode()).fetchone() == (True,)
            # There may be rows of the real database in it.
            asked = f"SELECT has_database_privilege('{reader}', current_database(), 'CONNECT')"
            assert connection.execute(asked.encode()).fetchone() == (False,)


def test_it_is_dropped_when_its_user_raises(database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path, target="0001")
    with pytest.raises(KeyboardInterrupt), scratch(database.master, directory.path) as made, connect(made.settings):
        raise KeyboardInterrupt
    assert scratches(database) == []


@pytest.mark.parametrize("where", ["in its user", "in a revision", "in env.py"])
def test_it_is_dropped_when_its_process_is_asked_to_end(
    database: Database, directory: AlembicDirectory, where: str
) -> None:
    migrate(database.master, directory.example().path, target="0001")
    if where != "in its user":
        path = directory.path / ("env.py" if where == "in env.py" else "versions/0001.py")
        indent = "" if where == "in env.py" else "    "
        sleeps = f"{indent}import time; from alembic import context; made = context.config.attributes['connection'].engine.url"
        sleeps += f"\n{indent}if made.database != {database.name!r}: print('made', flush=True); time.sleep(60)\n"
        path.write_text(path.read_text("utf-8") + sleeps, "utf-8")
    found = database.master
    arguments = [found.host, str(found.port), found.database, found.user, found.password, str(directory.path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "lambdas")}
    command = [sys.executable, "-c", ENDS_ON_SIGTERM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "made\n"
        assert len(scratches(database)) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert scratches(database) == []


def test_only_stale_ones_of_our_own_roles_that_nobody_uses_are_dropped(database: Database) -> None:
    old, new = int(time.time()) - 7200, int(time.time())
    names = {
        what: f"{PREFIX}{at}_{what}" for what, at in (("used", old), ("left", old), ("fresh", new), ("foreign", old))
    }
    for what, name in names.items():
        database.server.create_database(name, owner=None if what == "foreign" else database.master.user)
    try:
        with (
            connect(database.master) as connection,
            psycopg.connect(database.server.dsn(names["used"]), sslmode="disable"),
        ):
            assert drop_stale(connection) == [names["left"]]
        assert set(scratches(database)) == set(names.values()) - {names["left"]}
    finally:
        for name in scratches(database):
            database.rows(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_role_that_may_not_create_databases_is_told_so(database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path, target="0001")
    database.rows(f"ALTER ROLE {database.master.user} NOCREATEDB")
    with (
        pytest.raises(
            ScratchError, match=rf"may not create a scratch database: ALTER ROLE {database.master.user} CREATEDB"
        ),
        scratch(database.master, directory.path),
    ):
        pass


def test_an_env_that_connects_to_the_real_database_does_nothing_to_it(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(database.master, directory.example().path, target="0001")
    (directory.path / "env.py").write_text(ELSEWHERE, "utf-8")
    monkeypatch.setenv("TEST_URL", database.master.url().render_as_string(hide_password=False))
    with (
        pytest.raises(
            ScratchError, match=f"env.py connects to database '{database.name}' and not to the one that it is given"
        ),
        scratch(database.master, directory.path),
    ):
        pass
    assert database.rows("SELECT version_num FROM alembic_version") == [("0001",)]
    assert scratches(database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE {role} PASSWORD 'old'",
        "DO $$ BEGIN ALTER ROLE {role} PASSWORD 'old'; END $$",
        "ALTER DATABASE {database} SET statement_timeout = '1s'",
    ],
)
def test_what_the_whole_server_shares_is_not_changed_a_second_time(
    database: Database, directory: AlembicDirectory, statement: str
) -> None:
    role = database.application.user
    database.rows(f"CREATE ROLE {role} LOGIN PASSWORD 'old'")
    database.rows(f"GRANT {role} TO {database.master.user} WITH ADMIN OPTION")
    directory.revision("0001", None, statement.format(role=role, database=database.name))
    directory.revision("0002", "0001", "CREATE TABLE things (id int)")
    migrate(database.master, directory.path)
    database.rows(f"ALTER ROLE {role} PASSWORD 'new'")
    database.rows(f"ALTER DATABASE {database.name} RESET ALL")
    with scratch(database.master, directory.path) as made:
        assert made.differences == {}
    database.connect(database.settings(role, "new")).close()
    assert database.rows("SHOW statement_timeout") == [("0",)]


def test_a_block_that_is_only_in_part_about_the_server_is_refused(
    database: Database, directory: AlembicDirectory
) -> None:
    role = database.application.user
    directory.revision("0001", None, f"CREATE ROLE {role}; CREATE TABLE things (id int)")
    migrate(database.master, directory.path)
    with (
        pytest.raises(ScratchError, match="which the whole server shares, among other things"),
        scratch(database.master, directory.path),
    ):
        pass


def test_a_database_from_which_statements_reach_out_has_no_scratch_database(
    database: Database, directory: AlembicDirectory
) -> None:
    migrate(database.master, directory.example().path, target="0001")
    database.rows("CREATE EXTENSION dblink")
    with (
        pytest.raises(
            ScratchError, match=r"the database has extension dblink, with which a statement .* reaches beyond it"
        ),
        scratch(database.master, directory.path),
    ):
        pass


def test_a_chain_that_does_not_run_from_the_beginning_is_told_so(
    database: Database, directory: AlembicDirectory
) -> None:
    directory.revision("0001", None, body="raise ValueError('not any more')")
    database.rows("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    database.rows("INSERT INTO alembic_version VALUES ('0001')")
    database.rows(f"ALTER TABLE alembic_version OWNER TO {database.master.user}")
    with (
        pytest.raises(ScratchError, match="revision 0001 does not run on an empty database: not any more"),
        scratch(database.master, directory.path),
    ):
        pass
    assert scratches(database) == []


def test_it_gives_up_when_its_time_is_used_up(database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path, target="0001")
    with (
        pytest.raises(ScratchError, match="the time is used up"),
        scratch(database.master, directory.path, time_left=lambda: 0),
    ):
        pass
    assert scratches(database) == []
