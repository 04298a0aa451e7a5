"""What a revision or an env.py does with sys.exit(): SystemExit is no Exception, and would end the engine with it, in silence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seachange_migrations.errors import one_line


class EndedError(SystemExit):
    """A signal ends this process: what runs in it did not ask for that."""


class ExitError(Exception):
    """Foreign code would have ended the process."""


@contextmanager
def exits_told(put: Callable[[ExitError], Exception] = lambda error: error) -> Iterator[None]:
    """Around code of others: raises what `put` makes of an ExitError, by default that, where it raises SystemExit."""
    try:
        yield
    except EndedError:
        raise
    except SystemExit as error:
        told = (
            f"{one_line(repr(error), 300)} would end the process; return where there is nothing to do, raise an exception where "
            "it cannot go on"
        )
        raise put(ExitError(told).with_traceback(error.__traceback__)) from error
