"""How long a statement of a revision may wait for a lock, and how long it may run."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event

from seachange_migrations.driver import Status, backend_pid, in_autocommit, send, status
from seachange_migrations.errors import OutOfTimeError
from seachange_migrations.locks import LockWatch
from seachange_migrations.running import TimeLeft

LOCK_TIMEOUT_MS = 2_000
# How far the time left may fall below the statement timeout before it is set anew, which takes a round trip.
TIMEOUT_SLACK_S = 5.0

# A stricter one, of the role or of the revision itself, stays.
LIMIT_STATEMENTS = """
SELECT set_config('statement_timeout', '{limit_ms}', {local}) FROM pg_settings
WHERE name = 'statement_timeout' AND setting::bigint NOT BETWEEN 1 AND {limit_ms}
"""


@contextmanager
def listening(*listeners: tuple[str, Callable[..., Any]]) -> Iterator[None]:
    """Listens to every SQLAlchemy engine, those that an env.py makes included."""
    for name, listener in listeners:
        event.listen(Engine, name, listener)
    try:
        yield
    finally:
        for name, listener in listeners:
            event.remove(Engine, name, listener)


class Safety:
    """Sets the timeouts of transactions and statements; `watch` samples who blocks, `time_left` bounds the statements."""

    def __init__(self, watch: LockWatch, time_left: TimeLeft) -> None:
        self._watch = watch
        self._time_left = time_left
        self._limits: dict[Connection, float] = {}

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """While it lasts, every transaction begins with a lock timeout, one after a COMMIT in a revision included.

        Once the time is used up PostgreSQL cancels the statement that runs, and the next raises OutOfTimeError.
        """
        with listening(("begin", self._begin), ("before_cursor_execute", self._before_cursor_execute)):
            yield

    def arm(self, connection: Connection) -> None:
        """Limits the transaction that `connection` is in, or begins with its next statement."""
        self._limits.pop(connection, None)
        self._watch.follow(backend_pid(connection))
        send(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        self._limit_statements(connection)

    @contextmanager
    def outside_transactions(self, connection: Connection) -> Iterator[None]:
        """For a statement that PostgreSQL refuses in a transaction: no lock timeout, and a bounded time all the same.

        A CREATE INDEX CONCURRENTLY that a lock timeout cancels leaves an invalid index behind, and waits by design.
        """
        self._watch.follow(backend_pid(connection))
        names = ("lock_timeout", "statement_timeout")
        former = {name: send(connection, f"SHOW {name}")[0][0] for name in names}
        try:
            send(connection, "SET lock_timeout = 0")
            self._limit_statements(connection, local=False)
            yield
        finally:
            if status(connection) is Status.IDLE:
                for name, value in former.items():
                    send(connection, "SELECT set_config(%s, %s, false)", name, value)

    def _limit_statements(self, connection: Connection, *, local: bool = True) -> None:
        if math.isfinite(left_s := self._time_left()):
            self._limits[connection] = left_s
            limit_ms = max(1, math.ceil(left_s * 1000))
            send(connection, LIMIT_STATEMENTS.format(limit_ms=limit_ms, local=str(local).lower()))

    def _begin(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql" and not in_autocommit(connection):
            self.arm(connection)

    def _before_cursor_execute(self, connection: Connection, *_: Any) -> None:
        left_s = self._time_left()
        if left_s <= 0:
            raise OutOfTimeError(
                "the time for this call is used up; what was committed stays, the next goes on from there"
            )
        if connection.dialect.name != "postgresql" or in_autocommit(connection):
            return
        state = status(connection)
        if state is Status.IDLE:
            self.arm(connection)  # a COMMIT among the revision's statements took the limits with it
        elif state is Status.IN_TRANSACTION and left_s < self._limits.get(connection, 0) - TIMEOUT_SLACK_S:
            self._limit_statements(connection)
