"""A database named by a URL, as users give it: `postgresql://user:password@host:port/database?sslmode=...`."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import InvalidRequestError

DEFAULT_PORT = 5432
EXAMPLE = "postgresql://user:password@host:5432/database"


def settings_of(url: str) -> ConnectionSettings:
    """The settings that `url` names, read by libpq itself; SQLAlchemy's `postgresql+driver://` is understood too.

    What the URL leaves out is libpq's default: the environment, the local socket, the password file. TLS is verified
    unless the URL or PGSSLMODE says otherwise. Raises InvalidRequestError for a URL to anything else than PostgreSQL; its
    message never holds the password.
    """
    scheme, separator, rest = url.partition("://")
    dialect = scheme.partition("+")[0]
    if not separator or dialect not in ("postgresql", "postgres"):
        what = f"begins with {scheme!r}" if separator else "has no scheme"
        raise InvalidRequestError(f"the database's URL {what}: it must name a PostgreSQL database, as in {EXAMPLE}")
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(f"postgresql://{rest}").items()}
        port = int(found.pop("port", DEFAULT_PORT))
        if "@" in found.get("host", ""):
            raise ValueError("part of the password")
    except (psycopg.ProgrammingError, ValueError):
        # Without libpq's own words: they quote what it could not read, which may be a part of the password.
        raise InvalidRequestError(
            f"the database's URL cannot be read: write it as in {EXAMPLE}, with special characters of user and password as %XX"
        ) from None
    return ConnectionSettings(
        host=found.pop("host", ""),
        port=port,
        database=found.pop("dbname", ""),
        user=found.pop("user", ""),
        password=found.pop("password", ""),
        options=found,
    )
