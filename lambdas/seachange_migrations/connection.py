"""How the engine connects: psycopg 3, TLS as libpq's environment says, and an application name that others can see."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from seachange_migrations.errors import ConnectionFailedError, UnreachableError, one_line

APPLICATION_NAME = "seachange-migrations"
CONNECT_TIMEOUT_S = 10
# A server that is gone is noticed after two minutes; without, a session waits for its answer for hours.
KEEPALIVES = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6}


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """A database and the role that connects to it.

    TLS is libpq's business: PGSSLMODE and PGSSLROOTCERT are honoured, and without PGSSLMODE the server's certificate
    and name are verified (`verify-full`).
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Further connection parameters in libpq's words, over those below; none by default."""

    def parameters(self) -> dict[str, Any]:
        """The connection parameters but for password, in libpq's words."""
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "sslmode": os.environ.get("PGSSLMODE", "verify-full"),
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": APPLICATION_NAME,
            **KEEPALIVES,
            **self.options,
        }

    def url(self) -> URL:
        """The same as a SQLAlchemy URL. `str(url)` hides the password."""
        named = ("host", "port", "dbname", "user")
        query = {name: str(value) for name, value in self.parameters().items() if name not in named}
        where = (self.user or None, self.password or None, self.host or None, self.port, self.database or None)
        return URL.create("postgresql+psycopg", *where, query)


def connect(settings: ConnectionSettings) -> psycopg.Connection:
    """A psycopg connection in autocommit. Raises ConnectionFailedError."""
    try:
        return psycopg.connect(**settings.parameters(), password=settings.password, autocommit=True)
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
    if "password authentication failed" in reason:
        return ConnectionFailedError(f"{problem} Check that the secret holds the password of this role.")
    return UnreachableError(f"{problem} Check host, port, security groups and TLS (PGSSLMODE, PGSSLROOTCERT).")
