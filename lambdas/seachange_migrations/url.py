"""Reads a PostgreSQL URL, as libpq and SQLAlchemy write it."""

import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from seachange_migrations.errors import InvalidRequestError

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
PARAMETERS = ("host", "sslmode", "sslrootcert", "passfile")
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
DEFAULT_PORT = "5432"


def parse(url: str) -> dict[str, Any]:
    """The fields of `ConnectionSettings`. What the URL leaves out comes from PGHOST, PGPORT, PGDATABASE and PGUSER.

    Raises InvalidRequestError, which never shows the password.
    """
    if "\0" in unquote(url):
        raise _refused("holds a zero byte (%00), which PostgreSQL takes nowhere")
    try:
        parts = urlsplit(url)
        _refuse_several(parts.netloc.rpartition("@")[2])
        port = parts.port
    except ValueError as error:
        # It quotes a port, which is a piece of the password where that holds a slash.
        raise _refused(f"cannot be read ({str(error).partition(' as ')[0]})") from error
    if parts.scheme.startswith("postgresql+") and parts.scheme not in SCHEMES:
        raise _refused(f"begins with {parts.scheme!r}: psycopg 3 connects here, whatever the application connects with")
    if parts.scheme not in SCHEMES:
        raise _refused(f"begins with {parts.scheme or url.split('@')[-1][:20]!r}: only PostgreSQL is migrated")
    query = _query(parts)
    host = query.get("host") or unquote(parts.hostname or "") or os.environ.get("PGHOST", "")
    database = unquote(parts.path.removeprefix("/")) or os.environ.get("PGDATABASE", "")
    user = unquote(parts.username or "") or os.environ.get("PGUSER", "")
    for name, value, variable in (
        ("host", host, "PGHOST"),
        ("database", database, "PGDATABASE"),
        ("user", user, "PGUSER"),
    ):
        if not value:
            raise _refused(f"names no {name}, and {variable} is not set")
    _refuse_several(host)
    from_environment = os.environ.get("PGPORT", DEFAULT_PORT)
    if port is None and not (from_environment.isdecimal() and 0 < int(from_environment) < 65536):
        raise _refused(f"names no port, and PGPORT is {from_environment!r}")
    return {
        "host": host,
        "port": port or int(from_environment),
        "database": database,
        "user": user,
        "password": unquote(parts.password or ""),
        **{name: query.get(name) for name in PARAMETERS if name != "host"},
    }


def _refuse_several(host: str) -> None:
    """Raises InvalidRequestError for a list of hosts, as libpq takes it."""
    if "," in host:
        raise _refused("names several hosts, and of those any may answer: name the one that takes writes")


def _query(parts: SplitResult) -> dict[str, str]:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := [name for name in query if name not in PARAMETERS]:
        raise _refused(f"has the parameter {unknown[0]!r}: only {', '.join(PARAMETERS)} are known")
    if query.get("sslmode", "verify-full") not in SSL_MODES:
        raise _refused(f"has sslmode={query['sslmode']}: write one of {', '.join(SSL_MODES)}")
    return query


def _refused(problem: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the database URL {problem}. Write postgresql://USER@HOST:PORT/DATABASE, and the password in PGPASSWORD; what is "
        "special in a URL is percent-encoded."
    )
