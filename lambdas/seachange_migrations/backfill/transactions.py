"""Transactions of our own on a connection in autocommit, as `autocommit_block()` of Alembic leaves it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection

from seachange_migrations.errors import InvalidRequestError

AUTOCOMMIT = "AUTOCOMMIT"


@contextmanager
def autocommitting(connection: Connection) -> Iterator[None]:
    """Makes `connection` autocommit while it lasts. Raises InvalidRequestError inside a transaction of the caller's."""
    # Not `get_isolation_level()`, which asks the server and so never says AUTOCOMMIT; and SQLAlchemy calls a connection that has autocommitted
    # a statement "in transaction".
    if getattr(connection.connection.dbapi_connection, "autocommit", False):
        yield
        return
    if connection.in_transaction():
        raise InvalidRequestError("a backfill commits its batches: call it outside of any transaction")
    before = connection.get_isolation_level()
    connection.rollback()
    connection.execution_options(isolation_level=AUTOCOMMIT)
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            connection.rollback()
            connection.execution_options(isolation_level=before)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """BEGIN and COMMIT, or ROLLBACK when the block raises."""
    connection.exec_driver_sql("BEGIN")
    try:
        yield
        connection.exec_driver_sql("COMMIT")
    except BaseException:
        # Past SQLAlchemy's events: whoever ended the work there, for want of time, would end this too.
        with suppress(Exception):
            connection.connection.cursor().execute("ROLLBACK")
        raise
