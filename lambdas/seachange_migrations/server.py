"""Whether what answers is a PostgreSQL that the engine can work with, and stays the same session between transactions."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from sqlalchemy import Connection

from seachange_migrations.connection import ConnectionSettings, connect, open_connection
from seachange_migrations.driver import send
from seachange_migrations.errors import UnusableServerError
from seachange_migrations.report import OnProgress

SUPPORTED = range(15, 19)
"""The major versions of PostgreSQL that the engine is tested with."""

PROBES = 3
# An RDS Proxy keeps a session once it has state, and so would pass what is observed here:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
RDS_PROXY = ".proxy-"
RDS_DOMAINS = (".rds.amazonaws.com", ".rds.amazonaws.com.cn")


@contextmanager
def open_session(settings: ConnectionSettings, on_progress: OnProgress) -> Iterator[Connection]:
    """A connection to a server that was found fit. Raises UnusableServerError, or another ConnectionFailedError.

    It is unfit when it is too old, is no PostgreSQL, or shares its sessions between clients.
    """
    with ExitStack() as opened:
        with connect(settings) as probe:
            _refuse_version(probe, settings, on_progress)
            connection = opened.enter_context(open_connection(settings))
            if _is_rds_proxy(settings.host) or _shares_sessions(connection, probe):
                raise UnusableServerError(
                    f"{settings.host}:{settings.port} hands each transaction to another session of the server (PgBouncer in "
                    "transaction mode, RDS Proxy), so the lock that keeps two deployers apart would not hold. Migrate "
                    "through the database's own endpoint, or one that pools whole sessions."
                )
        yield connection


def _refuse_version(probe: psycopg.Connection, settings: ConnectionSettings, on_progress: OnProgress) -> None:
    row = probe.execute("SELECT version()").fetchone()
    version = str(row[0]) if row else "nothing"
    major = probe.info.server_version // 10_000
    if not version.startswith("PostgreSQL ") or major < SUPPORTED.start:
        raise UnusableServerError(
            f"{settings.host}:{settings.port} is {version.split(' on ')[0]}; the engine works with PostgreSQL "
            f"{SUPPORTED.start} to {SUPPORTED.stop - 1}. Upgrade the server first."
        )
    if major not in SUPPORTED:
        on_progress({"event": "newer_server", "version": major, "tested_to": SUPPORTED.stop - 1})


def _is_rds_proxy(host: str) -> bool:
    return RDS_PROXY in host and host.endswith(RDS_DOMAINS)


def _shares_sessions(connection: Connection, probe: psycopg.Connection) -> bool:
    """Whether two clients meet in one session of the server, or one client in two."""
    mine = {_pid(connection) for _ in range(PROBES)}
    theirs = {row[0] for _ in range(PROBES) for row in probe.execute("SELECT pg_backend_pid()")}
    return len(mine) > 1 or not mine.isdisjoint(theirs)


def _pid(connection: Connection) -> int:
    """The pid of the session in which a transaction of its own runs."""
    try:
        return int(send(connection, "SELECT pg_backend_pid()")[0][0])
    finally:
        connection.connection.rollback()
