"""Writers that never stop, as a service has them: of both releases, one of them with several rows in random order."""

import random
import threading
import time
from collections.abc import Callable
from typing import Self

import psycopg

from tests.migrations.databases import Database
from tests.survival.shop import ROWS

PAUSE_S = 0.004
ROWS_AT_ONCE = 6
STEP = 10


class Load:
    """Writes to a database until it is left; `failures` are all errors that a writer met, `worst_s` the longest statement.

    A server that is `restarted` on purpose breaks sessions: the writers then come back, and only other errors count.
    """

    def __init__(self, database: Database, *, restarted: bool = False) -> None:
        self.failures: list[str] = []
        self.written = 0
        self.worst_s = 0.0
        self._database = database
        self._restarted = restarted
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[write]) for write in (several_rows, one_row)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, write: Callable[[psycopg.Connection], None]) -> None:
        while not self._over.is_set():
            try:
                with self._database.connect(application_name="the service") as connection:
                    while not self._over.wait(PAUSE_S):
                        started = time.monotonic()
                        write(connection)
                        self.written += 1
                        self.worst_s = max(self.worst_s, time.monotonic() - started)
            except psycopg.OperationalError as error:
                if not self._restarted or isinstance(error, psycopg.errors.DeadlockDetected):
                    self.failures.append(repr(error))
                    return
                time.sleep(0.1)
            except psycopg.Error as error:
                self.failures.append(repr(error))
                return


def several_rows(connection: psycopg.Connection) -> None:
    """Blue's: whole addresses, several in one transaction, in no order."""
    with connection.transaction():
        for _ in range(ROWS_AT_ONCE):
            number = random.randrange(STEP, ROWS, STEP)
            address = f"Lane {random.randrange(1000)}|Town {random.randrange(90)}"
            connection.execute("UPDATE customers SET address = %s WHERE id = %s", [address, number])


def one_row(connection: psycopg.Connection) -> None:
    """A counter, and now and then a new customer."""
    if random.random() < 0.2:
        connection.execute(
            "INSERT INTO customers (name, email, address) VALUES ('new', gen_random_uuid()::text, 'Way 1|Village')"
        )
    else:
        number = random.randrange(STEP, ROWS, STEP)
        connection.execute("UPDATE customers SET visits = visits + 1 WHERE id = %s", [number])
