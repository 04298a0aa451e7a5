"""How the engine connects: psycopg 3, TLS as libpq's environment says, and an application name that others can see."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from seachange_migrations.errors import ConnectionFailedError, UnreachableError, one_line

APPLICATION_NAME = "seachange-migrations"
CONNECT_TIMEOUT_S = 10
# A server that is gone is noticed after two minutes; without, a session waits for its answer for hours.
KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6}

LIBPQ_ROOTS = Path("~/.postgresql/root.crt")
# Debian and Alpine, Fedora and Amazon Linux, macOS.
SYSTEM_ROOTS = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

# What neither waiting nor another call mends, by libpq's and the server's words: a failed connection has no SQLSTATE.
REMEDIES = (
    (
        ("password authentication failed", "no password supplied"),
        "Check that the secret, the URL or PGPASSWORD holds the password of this role.",
    ),
    (
        ("does not support SSL",),
        "Turn TLS on in the server; or, where nobody can listen in, ask for none: sslmode=disable (PGSSLMODE).",
    ),
    (
        (
            "certificate verify failed",
            # An authority that was made anew under its old name.
            "signature failure",
            "does not match host name",
            "root certificate file",
            "could not get server's host",
        ),
        "Connect by a name that is in the certificate, and name the authority that signed it: "
        "sslrootcert=FILE (PGSSLROOTCERT); Amazon RDS has one of its own.",
    ),
    (
        ("invalid response to SSL negotiation", "expected authentication request", "unsupported protocol version"),
        "What answers there is no PostgreSQL: check host and port.",
    ),
    (("no pg_hba.conf entry",), "Allow this role from this address in pg_hba.conf, with or without TLS as it says."),
    (('" does not exist',), "Check the names of database and role; the engine makes neither."),
)


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """A database and the role that connects to it.

    `host` is a name, an address, or the folder of a Unix socket. An empty `password` leaves it to libpq: PGPASSWORD, or
    the password file (`passfile`, its default place by default). `sslmode` is PGSSLMODE by default, and without that
    `verify-full`: the server's certificate and name are verified; `sslrootcert` is PGSSLROOTCERT by default, and without
    that the roots that the system trusts.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str | None = None
    sslrootcert: str | None = None
    passfile: str | None = None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The settings of `postgresql://user:password@host:port/database?sslmode=…`. Raises InvalidRequestError."""
        from seachange_migrations.url import parse

        return cls(**parse(url))

    def parameters(self) -> dict[str, Any]:
        """The connection parameters but for password, in libpq's words."""
        sslmode = self.sslmode or os.environ.get("PGSSLMODE", "verify-full")
        optional = {"sslrootcert": self.sslrootcert or trusted_roots(sslmode), "passfile": self.passfile}
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "sslmode": sslmode,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": APPLICATION_NAME,
            **KEEPALIVES,
            **{name: value for name, value in optional.items() if value},
        }

    def url(self) -> URL:
        """The same as a SQLAlchemy URL. `str(url)` hides the password."""
        # SQLAlchemy's URL holds a host's name there, and a socket's folder nowhere but in the query.
        named = ("port", "dbname", "user") if self.host.startswith("/") else ("host", "port", "dbname", "user")
        host = self.host if "host" in named else None
        query = {name: str(value) for name, value in self.parameters().items() if name not in named}
        password = self.password or None
        return URL.create("postgresql+psycopg", self.user, password, host, self.port, self.database, query)


def trusted_roots(sslmode: str) -> str | None:
    """The file of the roots that the system trusts; None where libpq finds its own, or needs none.

    libpq's own default is a file in the user's home that hardly anybody has, and `sslrootcert=system` of the psycopg
    wheel looks where its builder's system kept them.
    """
    if not sslmode.startswith("verify") or "PGSSLROOTCERT" in os.environ or LIBPQ_ROOTS.expanduser().exists():
        return None
    places = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *SYSTEM_ROOTS)
    return next((place for place in places if place and Path(place).exists()), "system")


def connect(settings: ConnectionSettings) -> psycopg.Connection:
    """A psycopg connection in autocommit. Raises ConnectionFailedError."""
    try:
        return psycopg.connect(**settings.parameters(), password=settings.password or None, autocommit=True)
    except psycopg.OperationalError as error:
        raise connection_failed(settings, error) from error


@contextmanager
def open_connection(settings: ConnectionSettings) -> Iterator[Connection]:
    """A SQLAlchemy connection of its own. Raises ConnectionFailedError."""
    engine = create_engine(settings.url(), poolclass=NullPool)
    try:
        connection = engine.connect()
    except OperationalError as error:
        raise connection_failed(settings, error.orig or error) from error
    with connection:
        yield connection


def connection_failed(settings: ConnectionSettings, error: BaseException) -> ConnectionFailedError:
    """The one line for a connection that could not be made."""
    reason = one_line(error, 600)
    where = f"{settings.database!r} on {settings.host}:{settings.port} as {settings.user!r}"
    problem = f"cannot connect to database {where}: {reason}."
    for phrases, remedy in REMEDIES:
        if any(phrase in reason for phrase in phrases):
            return ConnectionFailedError(f"{problem} {remedy}")
    return UnreachableError(f"{problem} Check host, port, security groups and TLS (PGSSLMODE, PGSSLROOTCERT).")
