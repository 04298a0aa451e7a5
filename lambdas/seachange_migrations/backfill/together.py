"""Fills a large table on several sessions at once: one alone writes on one processor of the server, and `fast` wants more.

Only what a sync derives, whose conversions are pure and so the same on any session, and only where no trigger of the author's
fires, for two sessions that set it off might wait for each other.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import replace
from threading import Event, Lock

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from seachange_migrations.backfill import pace
from seachange_migrations.backfill.claims import claimed
from seachange_migrations.backfill.ranges import divide
from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.triggers import users_triggers
from seachange_migrations.backfill.work import Worker
from seachange_migrations.failures import drivers_words
from seachange_migrations.running import Run

# Of fewer rows one session is done before the other has begun.
LARGE_ROWS = 50_000
# So that the last range, which one session does alone, is a short one.
RANGES_EACH = 2

# What the caller has set on its session, which a new one does not know.
SETTINGS = """
SELECT name, setting FROM pg_settings WHERE source = 'session' AND context IN ('user', 'superuser')
    AND NOT starts_with(name, 'transaction_')
"""
WHO = "SELECT current_user, session_user, pg_backend_pid()"


def fill(connection: Connection, backfill: Backfill, table: Table, rows: int, run: Run) -> int:
    """Fills what a backfill of `rows` has to, range by range, where several sessions are worth it; returns the rows written.

    The whole must be proven afterwards. Raises as `Worker.work` does, for whatever session failed first; the others end with
    their batch.
    """
    sessions = pace.PROFILES[run.profile].sessions
    if sessions == 1 or rows < LARGE_ROWS or backfill.sync is None or users_triggers(connection, backfill, table):
        return 0
    team = Team(backfill, table, run, divide(connection, backfill, table, rows, RANGES_EACH * sessions))
    with ExitStack() as opened:
        others = []
        try:
            others = [opened.enter_context(_another(connection)) for _ in range(sessions - 1)]
        except (SQLAlchemyError, UnlikeError) as error:
            run.on_progress({"event": "backfill_alone", "name": backfill.name, "why": drivers_words(error, 200)})
        team.work([connection, *others])
    return team.written


class UnlikeError(Exception):
    """A new session that is not like the caller's."""


@contextmanager
def _another(connection: Connection) -> Iterator[Connection]:
    """A session of its own with the role and the settings of `connection`, which autocommits."""
    with connection.engine.connect() as other:
        if _who(other)[-1] == _who(connection)[-1]:
            raise UnlikeError("the engine of env.py has one connection only")
        other.rollback()
        other.execution_options(isolation_level="AUTOCOMMIT")
        try:
            role = connection.exec_driver_sql("SHOW role").scalar_one()
            for name, setting in [*connection.exec_driver_sql(SETTINGS), ("role", role)]:
                other.execute(text("SELECT set_config(:name, :setting, false)"), {"name": name, "setting": setting})
            if _who(other)[:-1] != _who(connection)[:-1]:
                raise UnlikeError("a new session has another role")
            yield other
        finally:
            other.invalidate()  # or a pool would hand its settings to the next who asks for a connection


def _who(connection: Connection) -> tuple[object, ...]:
    return tuple(connection.exec_driver_sql(WHO).one())


class Team:
    """Sessions that take the ranges `numbers`, one after the other, until none is left."""

    def __init__(self, backfill: Backfill, table: Table, run: Run, numbers: tuple[int, ...]) -> None:
        self._backfill = backfill
        self._table = table
        self._run = run
        self._numbers = deque(numbers)
        self._stopped = Event()
        self._lock = Lock()
        self._failures: list[BaseException] = []
        self.written = 0

    def work(self, sessions: list[Connection]) -> None:
        """Works on each session in a thread, until all have ended."""
        with ThreadPoolExecutor(max_workers=len(sessions)) as threads:
            try:
                wait([threads.submit(copy_context().run, self._take, session) for session in sessions])
            except BaseException:
                self._stopped.set()
                raise
        if self._failures:
            raise self._failures[0]

    def _take(self, connection: Connection) -> None:
        run = replace(self._run, on_progress=self._tell, time_left=self._time_left, rows_backfilled=0)
        try:
            while (number := self._next()) is not None:
                with claimed(connection, self._backfill.name, number):
                    Worker(connection, self._backfill, self._table, number, run).work(once=True)
        except BaseException as failure:
            self._failures.append(failure)
            self._stopped.set()
            raise
        finally:
            with self._lock:
                self.written += run.rows_backfilled
                self._run.rows_backfilled += run.rows_backfilled

    def _next(self) -> int | None:
        with self._lock:
            return self._numbers.popleft() if self._numbers else None

    def _tell(self, event: Mapping[str, object]) -> None:
        with self._lock:
            self._run.on_progress(event)

    def _time_left(self) -> float:
        """None, where another of them has failed."""
        return 0.0 if self._stopped.is_set() else self._run.time_left()
