"""What cannot work: one clear line, and the database as it was."""

from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import (
    ConnectionFailedError,
    InvalidDirectoryError,
    MigrationError,
    RevisionFailedError,
    one_line,
)
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database, made


def refused(database: Database, directory: Path, expected: type[MigrationError] = InvalidDirectoryError) -> str:
    with pytest.raises(expected) as caught:
        migrate(database.master, directory)
    assert "\n" not in str(caught.value)
    assert database.tables() == set()
    return str(caught.value)


def test_no_alembic_directory(database: Database, tmp_path: Path) -> None:
    assert "is no Alembic directory: it has no env.py" in refused(database, tmp_path / "nothing")


def test_a_syntax_error(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    path = directory.path / "versions" / "0002.py"
    path.write_text(path.read_text("utf-8") + "def broken(:\n", "utf-8")
    assert "0002.py, line 9: invalid syntax" in refused(database, directory.path)


def test_a_revision_that_raises_when_it_is_read(database: Database, directory: AlembicDirectory) -> None:
    (directory.path / "versions" / "0001.py").write_text("1 / 0", "utf-8")
    assert refused(database, directory.path).endswith("cannot be read: ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("import nowhere.to_be_found", "No module named 'nowhere'; module 'nowhere' is not installed here"),
        ("from json import loadz", "cannot import name 'loadz' from 'json'"),
        ("from json import loadz", "module 'json' is here, and not as it is expected"),
    ],
)
@pytest.mark.parametrize("importer", ["env.py", "versions/0001.py", "the function of 0001"])
def test_what_cannot_be_imported(
    database: Database, directory: AlembicDirectory, importer: str, statement: str, says: str
) -> None:
    directory.example()
    if importer == "the function of 0001":
        directory.revision("0001", None, body=statement)
        with pytest.raises(RevisionFailedError) as caught:
            migrate(database.master, directory.path)
        message = str(caught.value)
    else:
        path = directory.path / importer
        path.write_text(f"{statement}\n{path.read_text('utf-8')}", "utf-8")
        message = refused(database, directory.path)
    assert says in message
    assert "migrate from an environment that has the application" in message
    assert "\n" not in message


def test_the_same_revision_twice(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    path = directory.path / "versions"
    (path / "copy.py").write_text((path / "0001.py").read_text("utf-8"), "utf-8")
    assert "Revision 0001 is present more than once" in refused(database, directory.path)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"down": "0001"}, "0002 follows 0001, which is not there"),
        ({"down": ("first", "0001")}, "0002 follows 0001, which is not there"),
        ({"down": "first", "depends_on": "0001"}, "0002 depends on 0001, which is not there"),
    ],
)
def test_a_revision_that_follows_nothing(
    database: Database, directory: AlembicDirectory, named: dict[str, Any], says: str, recwarn: pytest.WarningsRecorder
) -> None:
    directory.revision("first", None)
    directory.revision("0002", **named)
    message = refused(database, directory.path)
    assert f"{says}: bring that revision's file back, or name in" in message
    assert message.endswith("0002.py one that is there")
    assert not recwarn.list, "a command would print it"


def test_revisions_may_be_named_by_their_labels(database: Database, directory: AlembicDirectory) -> None:
    directory.revision("0001", None, branch_labels=("first",))
    directory.revision("0002", None, "CREATE TABLE shelves (id int PRIMARY KEY)", depends_on="first")
    assert migrate(database.master, directory.path, target="0002").revisions == ("0001", "0002")


def test_a_revision_without_its_function(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    path = directory.path / "versions" / "0002.py"
    path.write_text(path.read_text("utf-8").replace("def upgrade", "def upgrad"), "utf-8")
    assert f"{path} has no function upgrade(), so there is nothing to run for revision 0002: write it" in refused(
        database, directory.path
    )


@pytest.mark.parametrize("file", ["env.py", "versions/0002.py"])
@pytest.mark.parametrize("content", [b"x = 1\0", b"\xff\xfe\0"])
def test_a_file_that_holds_zero_bytes(
    database: Database, directory: AlembicDirectory, file: str, content: bytes
) -> None:
    path = directory.example().path / file
    path.write_bytes(content)
    assert f"{path}: source code string cannot contain null bytes" in refused(database, directory.path)


def test_two_heads(database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    directory.revision("0004", "0002")
    directory.revision("0005", "0002")
    assert "2 heads" in refused(database, directory.path)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("raise RuntimeError('no settings')", "env.py failed: RuntimeError: no settings"),
        ("def broken(:", "env.py, line 1: invalid syntax"),
        ("pass", "does not call context.run_migrations()"),
        (
            "from alembic import context\n"
            "with context.config.attributes['connection'] as connection:\n"
            "    context.configure(connection=connection)\n"
            "    context.run_migrations()\n",
            "closes the connection",
        ),
    ],
)
def test_a_broken_env_py(database: Database, directory: AlembicDirectory, env: str, message: str) -> None:
    (directory.example().path / "env.py").write_text(env, "utf-8")
    assert message in refused(database, directory.path)


def connection_failure(settings: ConnectionSettings, directory: AlembicDirectory) -> str:
    with pytest.raises(ConnectionFailedError) as caught:
        migrate(settings, directory.example().path)
    assert "\n" not in str(caught.value)
    assert settings.password not in str(caught.value)
    return str(caught.value)


def test_a_wrong_password(database: Database, directory: AlembicDirectory) -> None:
    message = connection_failure(database.settings(database.master.user, "wrong%2Fpassword"), directory)
    assert "password authentication failed" in message
    assert message.endswith("Check that the secret, the URL or PGPASSWORD holds the password of this role.")


def test_a_database_that_is_not_there(database: Database, directory: AlembicDirectory) -> None:
    settings = ConnectionSettings(
        host="127.0.0.1", port=1, database=database.name, user="nobody", password="no password"
    )
    assert "Check host, port, security groups and TLS" in connection_failure(settings, directory)


def test_a_server_without_tls(
    without_tls: PostgresServer, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLMODE")
    with made(without_tls, "plain") as database:
        assert database.master.parameters()["sslmode"] == "verify-full"
        monkeypatch.setenv("PGSSLMODE", "require")
        assert "server does not support SSL" in connection_failure(database.master, directory)


def test_no_password_in_a_representation(database: Database) -> None:
    assert database.master.password not in f"{database.master!r} {database.master.url()}"


def test_one_line_is_cut_by_bytes() -> None:
    assert one_line("a\n  b") == "a b"
    cut = one_line("ü" * 100, 50)
    assert len(cut.encode()) <= 50
    assert cut.endswith("…")


ELSEWHERE = """
from alembic import context
from sqlalchemy import create_engine, pool
with create_engine({url!r}, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.mark.parametrize("kind", ["another database of the server", "another kind of database"])
def test_an_env_that_connects_to_another_database(
    database: Database, directory: AlembicDirectory, postgres: PostgresServer, tmp_path: Path, kind: str
) -> None:
    with made(postgres, "other") as other:
        url = other.master.url().render_as_string(hide_password=False)
        if kind == "another kind of database":
            url = f"sqlite:///{tmp_path / 'other.db'}"
        (directory.example().path / "env.py").write_text(ELSEWHERE.format(url=url), "utf-8")
        message = refused(database, directory.path)
        assert other.tables() == set()
    assert "which is not the database to migrate: let it take config.attributes" in message
    assert other.master.password not in message
