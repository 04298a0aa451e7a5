"""What answers on the port: poolers, other servers, unfit versions, and TLS that does not hold."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine

from seachange.rehearsal.stage.ports import LOOPBACK
from seachange_migrations import connection, server
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import ConnectionFailedError, UnreachableError
from seachange_migrations.migrate import migrate
from seachange_migrations.outlook import inspect
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.pooler import TransactionPooler
from tests.servers.authority import Authority


def refused(settings: ConnectionSettings, directory: AlembicDirectory) -> str:
    with pytest.raises(ConnectionFailedError) as caught:
        migrate(settings, directory.example().path)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, UnreachableError), "waiting would not mend it"
    return str(caught.value)


@pytest.mark.parametrize("round_robin", [False, True], ids=["last used first", "in turns"])
@pytest.mark.parametrize("sessions", [1, 2, 3, 8])
def test_a_pooler_of_transactions_is_refused(
    database: Database, directory: AlembicDirectory, sessions: int, round_robin: bool
) -> None:
    dsn = database.server.dsn(database.name, user=database.master.user, password=database.master.password)
    # It reads the protocol that it passes on.
    plain = make_conninfo(dsn, sslmode="disable")
    with TransactionPooler(plain, sessions=sessions, round_robin=round_robin) as pooler:
        message = refused(replace(database.master, port=pooler.port, sslmode="disable"), directory)
    assert "hands each transaction to another session of the server" in message
    assert "Migrate through the database's own endpoint" in message
    assert database.tables() == set()


@pytest.mark.parametrize("domain", ["rds.amazonaws.com", "rds.amazonaws.com.cn"])
def test_an_rds_proxy_is_refused_by_its_name(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch, domain: str
) -> None:
    settings = replace(database.master, host=f"shop.proxy-c0ffee.eu-west-1.{domain}")
    original = ConnectionSettings.parameters
    monkeypatch.setattr(ConnectionSettings, "parameters", lambda self: {**original(self), "host": database.server.host})
    monkeypatch.setattr("seachange_migrations.connection.create_engine", engine_of(database))
    assert "RDS Proxy" in refused(settings, directory)


def engine_of(database: Database) -> Callable[..., Any]:
    return lambda url, **options: create_engine(url.set(host=database.server.host), **options)


def test_an_older_server_is_refused(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SUPPORTED", range(90, 95))
    [(version,)] = database.rows("SHOW server_version")
    assert f"is PostgreSQL {version}; the engine works with PostgreSQL 90 to 94. Upgrade" in refused(
        database.master, directory
    )
    assert database.tables() == set()


def test_a_newer_server_is_allowed_and_told(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SUPPORTED", range(13, 15))
    [(major,)] = database.rows("SELECT current_setting('server_version_num')::int / 10000")
    seen: list[Any] = []
    migrate(database.master, directory.example().path, on_progress=seen.append)
    assert seen[0] == {"event": "newer_server", "version": major, "tested_to": 14}


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server of another kind; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                try:
                    answer(client)
                except OSError:
                    continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def http(client: socket.socket) -> None:
    client.recv(1024)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_web_server(database: Database, directory: AlembicDirectory, sslmode: str) -> None:
    with answering(http) as port:
        message = refused(replace(database.master, port=port, sslmode=sslmode), directory)
    assert message.endswith("What answers there is no PostgreSQL: check host and port.")


def test_a_server_that_says_nothing(
    database: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 2)
    released = threading.Event()

    def silent(_: socket.socket) -> None:
        released.wait(20)

    with answering(silent) as port:
        with pytest.raises(UnreachableError, match="timeout expired"):
            migrate(replace(database.master, port=port), directory.example().path)
        released.set()


def certificate(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """A certificate for `name`, its key, and the authority that signed it."""
    authority = Authority("nobody's authority")
    signed = authority.sign([], [name]) if name == LOOPBACK else authority.sign([name])
    files = folder / "server.crt", folder / "server.key", folder / "root.crt"
    for file, text in zip(files, (signed.certificate, signed.key, authority.pem), strict=True):
        file.write_text(text, "utf-8")
    return files


def with_tls(certificate_file: Path, key_file: Path) -> AbstractContextManager[int]:
    """A server that takes TLS, as far as the client trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)

    def answer(client: socket.socket) -> None:
        client.recv(8)
        client.sendall(b"S")
        try:
            context.wrap_socket(client, server_side=True).close()
        except ssl.SSLError:
            return

    return answering(answer)


def test_a_certificate_that_nobody_trusts(database: Database, directory: AlembicDirectory, tmp_path: Path) -> None:
    served, key, _ = certificate(tmp_path, LOOPBACK)
    with with_tls(served, key) as port:
        message = refused(replace(database.master, port=port, sslmode="verify-full"), directory)
    assert "certificate verify failed" in message
    assert "name the authority that signed it: sslrootcert=FILE" in message


def test_a_certificate_of_another_name(database: Database, directory: AlembicDirectory, tmp_path: Path) -> None:
    served, key, root = certificate(tmp_path, "elsewhere.example")
    with with_tls(served, key) as port:
        settings = replace(database.master, port=port, sslmode="verify-full", sslrootcert=str(root))
        message = refused(settings, directory)
    assert "does not match host name" in message
    assert "Connect by a name that is in the certificate" in message


def test_roots_that_are_not_there(database: Database, directory: AlembicDirectory, tmp_path: Path) -> None:
    served, key, _ = certificate(tmp_path, LOOPBACK)
    with with_tls(served, key) as port:
        settings = replace(database.master, port=port, sslmode="verify-full", sslrootcert=str(tmp_path / "gone.pem"))
        assert "name the authority" in refused(settings, directory)


def test_the_roots_that_the_system_trusts_are_the_default(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    roots.touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    assert "sslrootcert" not in replace(database.master, sslmode="disable").parameters(), "it needs none"
    verifying = replace(database.master, sslmode="verify-full")
    assert verifying.parameters()["sslrootcert"] == str(roots)
    assert verifying.url().query["sslrootcert"] == str(roots)
    monkeypatch.setenv("PGSSLROOTCERT", "/bundle.pem")
    assert "sslrootcert" not in verifying.parameters(), "libpq reads the variable itself"
    assert replace(verifying, sslrootcert="/own.pem").parameters()["sslrootcert"] == "/own.pem"


def test_a_look_is_refused_the_same(database: Database, directory: AlembicDirectory) -> None:
    with pytest.raises(ConnectionFailedError, match='database "nowhere" does not exist'):
        inspect(replace(database.master, database="nowhere"), directory.example().path)
    with pytest.raises(ConnectionFailedError, match="Check the names of database and role"):
        migrate(replace(database.master, database="nowhere"), directory.path)
