"""PostgreSQL servers of the supported versions, each with a certificate that its clients verify."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from seachange.rehearsal.stage.ports import LOOPBACK
from seachange.rehearsal.stage.postgres import PostgresServer
from tests.servers.authority import Authority
from tools.postgres_versions import installation

# PostgreSQL's own locale came with 17; an older one finds C, which needs nothing from the system either.
BUILTIN_LOCALE_SINCE = 17
# A client that came with an older version finds no address in a certificate.
ADDRESSES_SINCE = 15
QUICK = {"fsync": "off"}


class TlsServer(PostgresServer):
    """PostgreSQL of one major version that takes TLS; `tls` tells clients to verify its certificate and its name.

    Args:
        directory: An existing directory for data, socket and binaries, which the clients can read too.
        major: The major version.
        logs: Where `postgres.log` is written.
        names: The host names in its certificate, of which none leads to it; by default `localhost` and its address.
        settings: Server settings beside the defaults, as in postgresql.conf.
    """

    def __init__(
        self,
        directory: Path,
        *,
        major: int,
        logs: Path,
        names: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        files = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        self._files = {setting: str(directory / name) for setting, name in files.items()}
        super().__init__(
            directory,
            logs=logs,
            settings={"ssl": "on", **self._files, **(settings or {})},
            installation=installation(major),
        )
        self.major = major
        self.authority = Authority()
        self._signed = self.authority.sign(names) if names else self.authority.sign(["localhost"], [LOOPBACK])
        root = directory / "root.crt"
        root.write_text(self.authority.pem, "utf-8")
        by_address = not names and major >= ADDRESSES_SINCE
        self.tls = {"sslmode": "verify-full" if by_address else "verify-ca", "sslrootcert": str(root)}
        if major < BUILTIN_LOCALE_SINCE:
            self._locale = ("--locale=C",)

    def _environment(self) -> dict[str, str]:
        # Extensions such as dblink would find the system's libpq, which may be older.
        return {**super()._environment(), "LD_LIBRARY_PATH": str(self.installation / "lib")}

    def _initialize(self) -> None:
        self._own_file("server.crt", self._signed.certificate)
        self._own_file("server.key", self._signed.key)
        super()._initialize()


def clients_environment(server: PostgresServer) -> dict[str, str]:
    """The variables with which libpq's clients connect to `server` as its `tls` says."""
    return {f"PG{name.upper()}": value for name, value in server.tls.items()}


@contextmanager
def started(major: int | None = None, **settings: str) -> Iterator[PostgresServer]:
    """A server that forgets all at its end: of that major version with TLS, or the rehearsal's own without, by default.

    `settings` are the server's, as in postgresql.conf.
    """
    with folder() as directory:
        if major is None:
            server = PostgresServer(directory / "postgres", logs=directory, settings={**QUICK, **settings})
        else:
            server = TlsServer(directory / "postgres", major=major, logs=directory, settings={**QUICK, **settings})
        with server:
            yield server


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the server's account reaches, with an empty `postgres` in it."""
    with tempfile.TemporaryDirectory(prefix="seachange-test-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        (directory / "postgres").mkdir()
        yield directory


def chosen() -> int | None:
    """The major version that SEACHANGE_POSTGRES names; None for the rehearsal's own server, which has no TLS."""
    major = os.environ.get("SEACHANGE_POSTGRES")
    return int(major) if major else None
