"""What SQLAlchemy does not tell of its driver's connection: the state of the transaction, and a way past its events."""

from enum import IntEnum
from typing import Any

from sqlalchemy import Connection


class Status(IntEnum):
    """libpq's words for a session's transaction."""

    IDLE = 0
    ACTIVE = 1
    IN_TRANSACTION = 2
    IN_ERROR = 3
    UNKNOWN = 4


def status(connection: Connection) -> Status:
    """The transaction's state as the driver knows it, raw BEGIN and COMMIT included; UNKNOWN where it does not tell."""
    info = getattr(connection.connection.dbapi_connection, "info", None)
    return Status(int(getattr(info, "transaction_status", Status.UNKNOWN)))


def in_autocommit(connection: Connection) -> bool:
    """Whether each statement is a transaction of its own, but for an explicit BEGIN."""
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


def send(connection: Connection, statement: str, *parameters: object) -> list[Any]:
    """Executes a statement of the engine's own, unseen by SQLAlchemy's events; its rows, if it has any."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, parameters or None)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        cursor.close()


def backend_pid(connection: Connection) -> int:
    """The pid of the server's process, asked once per connection."""
    remembered = connection.connection.info
    if "seachange.pid" not in remembered:
        remembered["seachange.pid"] = send(connection, "SELECT pg_backend_pid()")[0][0]
    return int(remembered["seachange.pid"])
