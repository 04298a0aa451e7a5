"""What an operation inside a revision may ask of the run that it is part of.

Alembic calls a revision without arguments, so the run travels in a context variable. Under plain Alembic, which knows of
no run, an operation gets the defaults: nobody listens, nobody counts the time.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

from seachange_migrations.report import OnProgress, silent

TimeLeft = Callable[[], float]
"""The seconds that remain for this call."""

ProfileName = Literal["gentle", "fast"]


def endless() -> float:
    """What is left when nobody counts it."""
    return math.inf


@dataclass(kw_only=True)
class Run:
    """One call of the engine. `revision` is the one being applied, empty outside of any.

    `deferred_rows` is the size in rows from which a backfill is left to the state machine's workers: the operation then
    raises BackfillPendingError instead of copying rows itself. Never, by default.

    `free_storage` returns the bytes of storage that the database has left, as SQL cannot: a backfill pauses while it is
    little. Nobody knows, so without limit, by default.
    """

    on_progress: OnProgress = silent
    time_left: TimeLeft = endless
    profile: ProfileName = "gentle"
    deferred_rows: float = math.inf
    revision: str = ""
    rows_backfilled: int = 0
    free_storage: Callable[[], float] = endless


_current: ContextVar[Run] = ContextVar("seachange_run")


def current() -> Run:
    """The run that this code is part of, or one of its own with the defaults."""
    return _current.get(None) or Run()


@contextmanager
def running(run: Run) -> Iterator[Run]:
    """Makes `run` the current one."""
    token = _current.set(run)
    try:
        yield run
    finally:
        _current.reset(token)
