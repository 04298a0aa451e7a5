"""Keeps two sessions from the same range of a backfill."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from seachange_migrations.errors import LockHeldError

# A worker that was killed leaves a session behind, which the server ends when it notices.
PATIENCE_S = 10.0
POLL_S = 0.25
KEY = "hashtextextended('seachange-backfill/' || CAST(:name AS text), :number)"


@contextmanager
def claimed(connection: Connection, name: str, number: int) -> Iterator[None]:
    """Keeps other sessions off this range. Polled, never waited for: a session that waits holds a snapshot.

    Raises LockHeldError after ten seconds.
    """
    parameters = {"name": name, "number": number}
    give_up = time.monotonic() + PATIENCE_S
    while not connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})"), parameters):
        if time.monotonic() >= give_up:
            raise LockHeldError(
                f"another session works on backfill {name}; it is asked again until that one has finished"
            )
        time.sleep(POLL_S)
    try:
        yield
    finally:
        if not connection.closed and not connection.invalidated:
            connection.execute(text(f"SELECT pg_advisory_unlock({KEY})"), parameters)
