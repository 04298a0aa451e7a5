"""The journal of a revision that commits inside, so that a next try goes on behind what is applied."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_out_of_it: ContextVar[bool] = ContextVar("seachange_unjournalled", default=False)


@contextmanager
def unjournalled() -> Iterator[None]:
    """What is executed inside is not journalled: it finds out by itself what is left to do, and may run any number of times.

    For the backfills of the engine, and for a revision's own loops of that kind.
    """
    token = _out_of_it.set(True)
    try:
        yield
    finally:
        _out_of_it.reset(token)
