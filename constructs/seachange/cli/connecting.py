"""What the commands share that work on a database: its URL, and what an error means for the exit code."""

from seachange.errors import SeaChangeError
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import (
    MigrationError,
    RefusedError,
    RevisionFailedError,
    TableBusyError,
    UnfinishedError,
    UnknownRevisionError,
)

URL_HELP = (
    "The database, as in postgresql://USER@HOST:PORT/DATABASE; sslmode is verify-full where neither it nor PGSSLMODE says "
    "otherwise. The password comes from PGPASSWORD, ~/.pgpass or the URL, and is never shown."
)
URL_VARIABLE = "DATABASE_URL"


def settings_of(url: str | None) -> ConnectionSettings:
    """The database that `url` names. Raises SeaChangeError without one, InvalidRequestError for one that is no PostgreSQL URL."""
    if not url:
        raise SeaChangeError(
            f"say which database: --url postgresql://USER@HOST:PORT/DATABASE, or {URL_VARIABLE}; the password in PGPASSWORD"
        )
    return ConnectionSettings.from_url(url)


def exit_code(error: MigrationError) -> int:
    """1 where the answer is "no", or "not yet": refused, failed, not finished. 2 where the input cannot be used."""
    if isinstance(error, UnknownRevisionError):
        return 2
    answered = (RefusedError, RevisionFailedError, TableBusyError, UnfinishedError)
    from seachange_migrations.backfill import BackfillFailedError, RowsBusyError

    return 1 if isinstance(error, (*answered, BackfillFailedError, RowsBusyError)) else 2
