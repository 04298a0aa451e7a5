"""How operations lock and commit: never waiting long for a lock, and, where they commit, in transactions of their own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from alembic.operations import Operations
from sqlalchemy import Connection, text

from seachange_migrations.backfill.transactions import transaction
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.journal import unjournalled
from seachange_migrations.sql import verbatim

LOCK_TIMEOUT = "2s"
"""Set where nobody has set one: the engine sets its own."""


@contextmanager
def impatient(connection: Connection) -> Iterator[None]:
    """Inside a transaction: waits for no lock longer than LOCK_TIMEOUT, or than what is set already."""
    is_set = connection.scalar(text("SELECT current_setting('lock_timeout') <> '0'"))
    if is_set:
        yield
        return
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    yield
    connection.execute(text("SET LOCAL lock_timeout = 0"))


class Steps:
    """The steps of an operation that commits inside. It looks at the catalog first, so it may die and be run again at any point."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._as_sql = operations.migration_context.as_sql

    def locking(self, *statements: str) -> None:
        """One transaction of statements that lock for an instant."""
        if self._as_sql:
            self._execute(statements)
            return
        with transaction(self._operations.get_bind()), impatient(self._operations.get_bind()):
            self._execute(statements)

    def patient(self, statement: str) -> None:
        """A statement outside of any transaction that works for long and must not be cut short: an index that is built concurrently."""
        if self._as_sql:
            self._execute([statement])
            return
        connection = self._operations.get_bind()
        before = connection.scalar(text("SELECT current_setting('lock_timeout')"))
        connection.execute(text("SET lock_timeout = 0"))
        try:
            self._execute([statement])
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT set_config('lock_timeout', :before, false)"), {"before": before})

    def _execute(self, statements: tuple[str, ...] | list[str]) -> None:
        for statement in statements:
            self._operations.execute(verbatim(statement))


@contextmanager
def committing(operations: Operations) -> Iterator[None]:
    """Commits what came before; inside, each statement is a transaction of its own. Raises InvalidRequestError where nothing may commit."""
    with ExitStack() as stack:
        try:
            stack.enter_context(operations.get_context().autocommit_block())
        except AssertionError as error:
            raise InvalidRequestError(
                "env.py has begun the transaction itself, and this operation commits inside: let Alembic begin it, with "
                "context.begin_transaction() and nothing around it"
            ) from error
        yield


@contextmanager
def steps(operations: Operations) -> Iterator[Steps]:
    """Lets the operation commit step by step, out of the journal: the catalog tells what is left."""
    with committing(operations), unjournalled():
        yield Steps(operations)
