"""Why something failed in a scratch database, in words without any value: there are rows of the real one in it."""

from dataclasses import dataclass

import psycopg
from psycopg import errors
from psycopg.pq import DiagnosticField
from psycopg.pq.abc import PGresult
from sqlalchemy.exc import DBAPIError

from seachange_migrations.errors import MigrationError, one_line

# SQLSTATEs whose message has names in it and no value. Details are never shown: they quote the failing row.
WITHOUT_VALUES = ("23", "42", "0A", "55", "57", "40", "2B", "3")
# Python's own errors about a value: int("…"), a key of a dict, text that cannot be decoded.
QUOTING = (ValueError, LookupError)


@dataclass(frozen=True)
class Failure:
    """A failure of the server's; `code` is its SQLSTATE."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"

    @property
    def says_nothing(self) -> bool:
        """It is about this moment: a lock, a timeout, a deadlock."""
        return self.code.startswith(("40", "55P03", "57"))

    @classmethod
    def of(cls, result: PGresult) -> "Failure":
        """The failure in libpq's answer."""
        code = (result.error_field(DiagnosticField.SQLSTATE) or b"XX000").decode()
        return cls(
            code, _shown(code, (result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace"))
        )


def in_words(error: BaseException) -> str:
    """What `error` says, as far as it cannot hold a value."""
    found = (error.orig if isinstance(error, DBAPIError) else None) or error
    if isinstance(found, psycopg.Error):
        code = found.diag.sqlstate or ""
        return str(Failure(code, _shown(code, found.diag.message_primary or ""))) if code else type(found).__name__
    # What the engine and its operations refuse they say in names.
    if isinstance(found, MigrationError):
        return one_line(found, 500)
    name = type(found).__name__
    return f"{name}, whose message may quote a row" if isinstance(found, QUOTING) else f"{name}: {one_line(found, 300)}"


def _shown(code: str, message: str) -> str:
    if code.startswith(WITHOUT_VALUES):
        return " ".join(message.split())
    try:
        return errors.lookup(code).__name__
    except KeyError:
        return "an error of the database's own"
