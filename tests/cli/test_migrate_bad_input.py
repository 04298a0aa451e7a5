"""What cannot work, at the command line: one line that says why and what to do, exit code 2, and the database as it was."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from tests.cli.running import Commands, url_of
from tests.migrations.databases import AlembicDirectory, Database, made
from tests.servers.authority import Authority
from tests.servers.dump import schema
from tests.servers.server import TlsServer, clients_environment, folder, started
from tools.postgres_versions import SUPPORTED, TOO_OLD

SECRET = "s3cr%et"


@pytest.fixture(scope="module")
def certified() -> Iterator[TlsServer]:
    """A server whose certificate is for db.example and no address."""
    with (
        folder() as directory,
        TlsServer(directory / "postgres", major=SUPPORTED[-1], logs=directory, names=["db.example"]) as server,
    ):
        yield server


class Refusals:
    """Runs `seachange migrate` on a database that has a table, and expects it to be refused."""

    def __init__(self, seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
        self._seachange, self._database, self._directory = seachange, database, directory

    def __call__(self, path: Path | None = None, *, url: str | None = None) -> str:
        """The one line."""
        server, name = self._database.server, self._database.name
        before = schema(server, name)
        arguments = ["--phase", "expand", "--url", url_of(self._database.master) if url is None else url]
        ran = self._seachange("migrate", str(path or self._directory.path), *arguments)
        line = ran.one_line()
        assert (ran.code, ran.out) == (2, ""), line
        assert schema(server, name) == before
        assert self._database.master.password not in line
        assert SECRET not in line
        return line


@pytest.fixture
def refused(seachange: Commands, database: Database, directory: AlembicDirectory) -> Refusals:
    with database.connect() as connection:
        connection.execute("CREATE TABLE theirs (id int PRIMARY KEY)")
    return Refusals(seachange, database, directory)


def test_no_migrations_directory(refused: Refusals, tmp_path: Path) -> None:
    line = refused(tmp_path / "nowhere")
    assert "is no Alembic directory: it has no env.py" in line
    assert "Name the folder that `alembic init` made" in line


def test_a_syntax_error_in_a_revision(refused: Refusals, directory: AlembicDirectory) -> None:
    path = directory.example().path / "versions" / "0002.py"
    path.write_text(path.read_text("utf-8") + "def broken(:\n", "utf-8")
    assert "0002.py, line 9: invalid syntax" in refused()


def test_two_heads(refused: Refusals, directory: AlembicDirectory) -> None:
    directory.example()
    directory.revision("0004", "0002")
    directory.revision("0005", "0002")
    line = refused()
    assert "2 heads" in line
    assert "merge" in line


def test_a_target_that_is_no_revision(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    arguments = ["--phase", "expand", "--url", url_of(database.master), "--target", "9999"]
    ran = seachange("migrate", str(directory.example().path), *arguments)
    assert ran.code == 2
    assert "target '9999' is no revision of" in ran.one_line()


@pytest.mark.parametrize("unknown", ["from elsewhere", "0004"])
def test_a_database_with_a_revision_that_is_unknown_or_newer_than_the_code(
    refused: Refusals, database: Database, directory: AlembicDirectory, unknown: str
) -> None:
    directory.example()
    with database.connect() as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("GRANT ALL ON alembic_version TO PUBLIC")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [unknown])
    line = refused()
    assert f"the database is at revision {unknown}, which" in line
    assert "Deploy a release that includes that revision" in line


def test_wrong_credentials(refused: Refusals, database: Database, directory: AlembicDirectory) -> None:
    directory.example()
    line = refused(url=url_of(database.master, password=SECRET))
    assert "password authentication failed" in line
    assert "Check that the secret, the URL or PGPASSWORD holds the password of this role" in line


def test_a_role_that_may_not_read_the_version_table(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    path = str(directory.example().path)
    database.server.create_role(database.application.user, database.application.password)
    assert seachange("migrate", path, "--phase", "expand", "--url", url_of(database.master)).code == 0
    ran = seachange("migrate", path, "--phase", "contract", "--url", url_of(database.application))
    role = database.application.user
    assert ran.one_line() == f"role {role} may not read alembic_version: connect as the role that owns it"
    assert ran.code == 2


def test_a_server_without_tls(
    seachange: Commands, directory: AlembicDirectory, without_tls: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGSSLMODE", raising=False)
    with made(without_tls, "plain") as database:
        ran = seachange("migrate", str(directory.example().path), "--phase", "expand", "--url", url_of(database.master))
        assert ran.code == 2
        assert "server does not support SSL" in ran.one_line()
        assert "Turn TLS on in the server" in ran.one_line()
        assert database.tables() == set()
        path = str(directory.path)
        plainly = url_of(database.master, parameters="?sslmode=disable")
        assert seachange("migrate", path, "--phase", "expand", "--url", plainly).code == 0


@pytest.mark.parametrize(
    ("authority", "said"),
    [(Authority("another"), "certificate verify failed"), (Authority(), "signature failure")],
    ids=["another", "made anew under its old name"],
)
def test_a_certificate_of_another_authority(
    seachange: Commands,
    directory: AlembicDirectory,
    certified: TlsServer,
    tmp_path: Path,
    authority: Authority,
    said: str,
) -> None:
    other = tmp_path / "other.crt"
    other.write_text(authority.pem, "utf-8")
    line = unverified(seachange, directory, certified, roots=other, sslmode="verify-ca")
    assert said in line
    assert "name the authority that signed it: sslrootcert=FILE (PGSSLROOTCERT)" in line


def test_a_certificate_for_another_host(seachange: Commands, directory: AlembicDirectory, certified: TlsServer) -> None:
    roots = Path(certified.tls["sslrootcert"])
    line = unverified(seachange, directory, certified, roots=roots, sslmode="verify-full")
    assert "does not match host name" in line
    assert "Connect by a name that is in the certificate" in line


def unverified(
    seachange: Commands, directory: AlembicDirectory, server: TlsServer, *, roots: Path, sslmode: str
) -> str:
    """What is said to a client that trusts `roots`."""
    with made(server, "certified") as database:
        url = url_of(database.master, parameters=f"?sslmode={sslmode}&sslrootcert={roots}")
        ran = seachange("migrate", str(directory.example().path), "--phase", "expand", "--url", url)
        assert ran.code == 2
        assert database.tables() == set()
    return ran.one_line()


class WebServer(socketserver.BaseRequestHandler):
    """Answers as web servers answer what is no request."""

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


@pytest.fixture
def web_server() -> Iterator[int]:
    """The port of something that answers, and is no PostgreSQL."""
    with socketserver.TCPServer(("127.0.0.1", 0), WebServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("sslmode", ["verify-full", "disable"])
def test_a_web_server(refused: Refusals, directory: AlembicDirectory, web_server: int, sslmode: str) -> None:
    directory.example()
    line = refused(url=f"postgresql://someone:{SECRET}@127.0.0.1:{web_server}/shop?sslmode={sslmode}")
    assert "What answers there is no PostgreSQL: check host and port" in line


def test_a_closed_port(refused: Refusals, directory: AlembicDirectory) -> None:
    directory.example()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        line = refused(url=f"postgresql://someone:x@127.0.0.1:{listener.getsockname()[1]}/shop")
    assert "Connection refused" in line
    assert "Check host, port" in line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://someone:s3cr%25et@127.0.0.1/shop", "begins with 'mysql': only PostgreSQL is migrated"),
        ("garbage", "only PostgreSQL is migrated"),
        ("postgresql://someone:s3cr%25et@127.0.0.1:port/shop", "cannot be read"),
        ("postgresql://someone:s3cr%25et@127.0.0.1:5432", "names no database"),
        ("postgresql://someone@127.0.0.1/shop?sslmode=maybe", "has sslmode=maybe"),
        ("", "say which database: --url postgresql://USER@HOST:PORT/DATABASE, or DATABASE_URL"),
    ],
)
def test_what_is_no_url_of_postgresql(
    refused: Refusals, directory: AlembicDirectory, url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.example()
    for name in ("DATABASE_URL", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    line = refused(url=url)
    assert said in line
    assert "postgresql://USER@HOST:PORT/DATABASE" in line


def test_a_server_that_is_too_old(
    seachange: Commands, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with started(TOO_OLD) as server, made(server, "old") as database:
        for name, value in clients_environment(server).items():
            monkeypatch.setenv(name, value)
        before = schema(server, database.name)
        ran = seachange("migrate", str(directory.example().path), "--phase", "expand", "--url", url_of(database.master))
        assert ran.code == 2
        assert "is PostgreSQL 14" in ran.one_line()
        assert "the engine works with PostgreSQL 15 to 18. Upgrade the server first" in ran.one_line()
        assert schema(server, database.name) == before
