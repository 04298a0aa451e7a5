"""Reads what a revision raised: whether to try again, and what to say."""

from collections.abc import Iterator
from typing import NoReturn

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from seachange_migrations.errors import MigrationError, one_line

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
QUERY_CANCELED = "57014"
INSUFFICIENT_PRIVILEGE = "42501"
# admin_shutdown, crash_shutdown, cannot_connect_now
ENDED = ("57P01", "57P02", "57P03")
CONNECTION_EXCEPTION = "08"
INTEGRITY_VIOLATION = "23"


def gave_way(error: BaseException) -> bool:
    """Whether PostgreSQL ended the transaction because of somebody else's lock, so that the same may work later."""
    return sqlstate(error) in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED)


def was_canceled(error: BaseException) -> bool:
    """Whether PostgreSQL ended a statement at its timeout, or because somebody asked for it."""
    return sqlstate(error) == QUERY_CANCELED


def describe_import(error: ImportError) -> str:
    """What a revision or an env.py could not import, and where it can."""
    module = f"module {error.name!r}" if error.name else "what it imports"
    found = "is not installed here" if isinstance(error, ModuleNotFoundError) else "is here, and not as it is expected"
    return (
        f"{type(error).__name__}: {one_line(error, 500)}; {module} {found}: migrate from an environment that has the application "
        "and its packages, in their right versions, with seachange beside them; for the Lambda name them in AlembicMigrations(requirements=, "
        "include=), or let the service's image migrate, runner=; or do without that import"
    )


def describe(revision: str, error: Exception, *, commits: int) -> str:
    """One line: what failed, why, and what is left of it after `commits` within the revision."""
    driver_error = getattr(error, "orig", None) or error
    statement = getattr(error, "statement", None)
    what = (
        describe_import(driver_error)
        if isinstance(driver_error, ImportError)
        else f"{type(driver_error).__name__}: {drivers_words(error, 500)}"
    )
    where = f", in: {one_line(str(statement), 200)}" if statement else ""
    state = (
        f"It had committed {commits} time(s) inside, and that part stays: mend it behind that part, then run it again; what "
        "is applied is remembered and left out."
        if commits
        else "It was rolled back; mend it and run it again."
    )
    return f"revision {revision} failed: {what}{where}. {state}"


def describe_too_long(revision: str, error: Exception, *, limit_s: float) -> str:
    """One line for a statement that had a whole call of the Lambda, `limit_s` seconds, and did not end."""
    statement = one_line(str(getattr(error, "statement", None) or "a statement"), 200)
    return (
        f"revision {revision} failed: its statement takes longer than this call of the Lambda may last, {limit_s:.0f} s: "
        f"{statement}. It was rolled back. Split it, do it in committed batches, or run it with `alembic upgrade`, as the "
        "role that migrates, from a machine that may take its time; then deploy again."
    )


def lost_connection(error: BaseException) -> bool:
    """Whether the session ended under a statement: a restart, a failover, somebody's pg_terminate_backend."""
    return any(
        getattr(link, "connection_invalidated", False)
        or (state := _state(link) or "") in ENDED
        or state.startswith(CONNECTION_EXCEPTION)
        or (isinstance(link, psycopg.OperationalError) and not state)
        for link in _chain(error)
    )


def passes(error: BaseException) -> bool:
    """Whether it was the moment that failed it, not what was asked for: a lock, a timeout, a session that ended."""
    return gave_way(error) or was_canceled(error) or lost_connection(error)


def drivers_words(error: BaseException, limit: int = 400) -> str:
    """What the driver said, without what was made of it, in at most `limit` bytes; of a violated constraint without its DETAIL, for that
    quotes rows, and what is said here may end in logs that customers' values must not reach.
    """
    said = next(
        (link for link in _chain(error) if isinstance(link, psycopg.Error)), getattr(error, "orig", None) or error
    )
    primary = getattr(getattr(said, "diag", None), "message_primary", None)
    is_violation = (_state(said) or "").startswith(INTEGRITY_VIOLATION)
    return one_line(primary if primary and is_violation else said, limit)


def raise_clearly(error: Exception) -> NoReturn:
    """Raises `error`, and one of the database that nobody has put into words as a MigrationError."""
    if isinstance(error, (SQLAlchemyError, psycopg.Error)):
        raise MigrationError(f"the database did not let the engine work: {one_line(error)}") from error
    raise error


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of `error` or of what caused it: a revision may have wrapped the driver's error."""
    return next(filter(None, map(_state, _chain(error))), None)


def _state(error: BaseException) -> str | None:
    driver_error = getattr(error, "orig", None) or error
    state = getattr(driver_error, "sqlstate", None) or getattr(driver_error, "pgcode", None)
    return str(state) if state else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, what caused it, and so on, as far as SQLAlchemy and revisions wrapped it."""
    link: BaseException | None = error
    while link is not None:
        yield link
        if isinstance(original := getattr(link, "orig", None), BaseException):
            yield original
        link = link.__cause__ or link.__context__
