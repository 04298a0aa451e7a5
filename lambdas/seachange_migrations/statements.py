"""How the statements of a revision are executed, so that a try that ends in the middle leaves a state that is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection

from seachange_migrations.driver import Status, in_autocommit, send, status
from seachange_migrations.errors import one_line
from seachange_migrations.failures import sqlstate
from seachange_migrations.journal import STATEMENT_BYTES, Entry, Journal, Kind, is_out_of_it
from seachange_migrations.leftovers import drop_leftovers
from seachange_migrations.safety import Safety, listening
from seachange_migrations.words import first_word

# Executed as they come, in every try: they frame transactions, or set up the session.
ENDING = frozenset({"commit", "end"})
CONTROL = ENDING | {"begin", "start", "rollback", "abort", "savepoint", "release", "set", "reset", "discard"}
# The command tags, by their first word, of statements that give rows and change nothing unless a function in them does.
READS = frozenset({"SELECT", "SHOW", "EXPLAIN", "FETCH", "DECLARE"})

# https://www.postgresql.org/docs/current/errcodes-appendix.html
REFUSED_IN_TRANSACTION = "25001"
COMMITS_BY_ITSELF = "2D000"
READ_ONLY = "25006"
# What a statement answers that has had its effect already, by its first word: names that are taken, or gone.
HAD_ITS_EFFECT = {"create": {"42P07", "42710", "42P04"}, "drop": {"42704", "42P01", "3D000"}}

# Within what a call of the Lambda keeps for its end.
TIDY_S = 3

Send = Callable[[], None]


class Statements:
    """Executes and journals what the one revision of `journal` sends; `commits` counts the commits inside it."""

    def __init__(self, journal: Journal, safety: Safety, on_commit: Callable[[], None]) -> None:
        self.commits = 0
        self._journal = journal
        self._safety = safety
        self._on_commit = on_commit
        self._inside = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, all statements pass through here, and those `inside` the revision are journalled."""
        with listening(
            ("commit", self._commit),
            ("do_execute", self._do_execute),
            ("do_executemany", self._do_executemany),
            ("do_execute_no_params", self._do_execute_no_params),
        ):
            yield

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Around the revision's own function: what Alembic does before and after is none of it."""
        self._inside = True
        try:
            yield
        finally:
            self._inside = False

    def _commit(self, connection: Connection) -> None:
        if self._inside and not in_autocommit(connection):
            self._committing(connection)

    def _committing(self, connection: Connection) -> None:
        self.commits += 1
        self._journal.flush(connection)
        self._on_commit()

    def _do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return self._execute(
            cursor,
            statement,
            parameters,
            context,
            lambda: context.dialect.do_execute(cursor, statement, parameters, context),
        )

    def _do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return self._execute(
            cursor,
            statement,
            parameters,
            context,
            lambda: context.dialect.do_executemany(cursor, statement, parameters, context),
        )

    def _do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._execute(
            cursor, statement, None, context, lambda: context.dialect.do_execute_no_params(cursor, statement, context)
        )

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any, execute: Send) -> bool:
        """Whether the statement was executed here, or was left out because a former try has applied it."""
        connection: Connection = context.root_connection
        if (
            not self._inside
            or is_out_of_it()
            or context.execution_options.get("seachange_unjournalled")
            or connection.dialect.name != "postgresql"
            or (state := status(connection)) is Status.UNKNOWN
        ):
            return False
        if state is Status.IDLE and in_autocommit(connection):
            self._journal.flush(connection)  # of a transaction that the driver itself began and committed
        if (word := first_word(statement)) in CONTROL:
            if word in ENDING and state is Status.IN_TRANSACTION:
                self._committing(connection)
            return False
        former = self._journal.take(statement, parameters)
        alone = state is Status.IDLE and in_autocommit(connection)
        if former is not None:
            self._again(connection, former, statement, context, execute)
        elif self._journal.is_behind():
            self._look(connection, statement, execute)
        else:
            entry = self._journal.entry(statement, parameters)
            if alone:
                self._execute_alone(connection, entry, statement, cursor, execute)
            else:
                execute()
                self._journal.add(connection, _described(entry, cursor))
                if state is Status.IN_TRANSACTION and status(connection) is Status.IDLE:
                    self._committing(connection)  # by a COMMIT further on in its text
                    send(connection, "COMMIT")
        return True

    def _execute_alone(self, connection: Connection, entry: Entry, statement: str, cursor: Any, execute: Send) -> None:
        """Executes a statement in autocommit: in a transaction with its entry, but where PostgreSQL refuses that."""
        try:
            with self._transaction(connection):
                execute()
                if _described(entry, cursor).kind != "read" or _has_written(connection):
                    self._journal.write(connection, entry)
        except Exception as error:
            if sqlstate(error) not in (REFUSED_IN_TRANSACTION, COMMITS_BY_ITSELF):
                raise
            self._execute_outside(
                connection, entry, statement, execute, whole=sqlstate(error) == REFUSED_IN_TRANSACTION
            )
        else:
            self._on_commit()

    def _execute_outside(
        self, connection: Connection, entry: Entry, statement: str, execute: Send, *, whole: bool, again: bool = False
    ) -> None:
        """Executes what PostgreSQL refuses in a transaction. `whole`: an error leaves nothing of it but an invalid index."""
        with self._safety.outside_transactions(connection):
            drop_leftovers(connection, statement)
            entry.state = "intended"
            self._journal.write(connection, entry)
            try:
                execute()
            except Exception as error:
                if not (again and sqlstate(error) in HAD_ITS_EFFECT.get(first_word(statement), ())):
                    if whole and status(connection) is Status.IDLE:
                        self._tidy(connection, statement)
                        self._journal.strike(connection, entry)
                    raise
            entry.state = "done"
            self._journal.write(connection, entry)
        self._on_commit()

    def _tidy(self, connection: Connection, statement: str) -> None:
        """Drops at once what a failed build left, for a unique index refuses rows though it is invalid; the next try would, too."""
        with suppress(Exception):
            send(connection, f"SET statement_timeout = '{TIDY_S}s'")
            drop_leftovers(connection, statement)

    def _again(self, connection: Connection, former: Entry, statement: str, context: Any, execute: Send) -> None:
        """Deals with a statement that a former try has sent."""
        if former.kind == "read":
            self._look(connection, statement, execute)
        elif former.kind == "returned":
            raise self._journal.cannot_resume(f"what `{former.statement}` returned is not known any more")
        elif former.state == "intended":
            try:
                with self._transaction(connection):
                    execute()
                    raise self._journal.cannot_resume(f"nobody knows whether `{former.statement}` has run")
            except Exception as error:
                if sqlstate(error) == REFUSED_IN_TRANSACTION:
                    self._execute_outside(connection, former, statement, execute, whole=True, again=True)
                    return
                if sqlstate(error) == COMMITS_BY_ITSELF:
                    raise self._journal.cannot_resume(
                        f"`{former.statement}` commits by itself, and nobody knows how far it came"
                    ) from error
                raise
        else:
            context._rowcount = former.row_count  # SQLAlchemy would ask the cursor, which has executed nothing

    def _look(self, connection: Connection, statement: str, execute: Send) -> None:
        """Executes a statement that may only read: a former try has applied what comes after it."""
        try:
            if status(connection) is Status.IDLE and in_autocommit(connection):
                with self._transaction(connection, "BEGIN READ ONLY"):
                    execute()
            else:
                send(connection, "SAVEPOINT seachange_look")
                send(connection, "SET TRANSACTION READ ONLY")
                execute()
                send(connection, "RELEASE SAVEPOINT seachange_look")
        except Exception as error:
            if sqlstate(error) in (READ_ONLY, REFUSED_IN_TRANSACTION, COMMITS_BY_ITSELF):
                raise self._journal.cannot_resume(
                    f"it sends `{one_line(statement, STATEMENT_BYTES)}` now, and sent something else when it committed"
                ) from error
            raise

    @contextmanager
    def _transaction(self, connection: Connection, begin: str = "BEGIN") -> Iterator[None]:
        """A transaction of one statement in autocommit."""
        send(connection, begin)
        try:
            self._safety.arm(connection)
            yield
            if status(connection) is Status.IN_TRANSACTION:
                send(connection, "COMMIT")
        except BaseException:
            if status(connection) in (Status.IN_TRANSACTION, Status.IN_ERROR):
                send(connection, "ROLLBACK")
            raise


def _described(entry: Entry, cursor: Any) -> Entry:
    """`entry` with what its execution gave."""
    if cursor.description is None:
        entry.row_count = cursor.rowcount
    else:
        tag = getattr(cursor, "statusmessage", None) or getattr(getattr(cursor, "_cursor", None), "statusmessage", None)
        kind: Kind = "read" if (tag or "").split(" ")[0] in READS else "returned"
        entry.kind = kind
    return entry


def _has_written(connection: Connection) -> bool:
    """Whether the transaction has an identifier, which the first write gives it."""
    return bool(send(connection, "SELECT pg_current_xact_id_if_assigned() IS NOT NULL")[0][0])
