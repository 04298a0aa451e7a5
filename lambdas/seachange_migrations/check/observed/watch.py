"""Watches what a revision sends to the server, statement by statement, on whichever connection it uses."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection

from seachange_migrations.check.observed.origin import origin
from seachange_migrations.check.observed.seen import Seen
from seachange_migrations.check.statement import Statement
from seachange_migrations.safety import listening

# Tables with the number of their file, which a rewrite changes, as this transaction sees them. A table's indexes and TOAST count as the table.
FILES = """
SELECT c.oid, n.nspname || '.' || c.relname, pg_relation_filenode(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relpersistence <> 't'
"""
LOCKS = """
SELECT n.nspname || '.' || c.relname, l.mode
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = {pid} AND l.granted AND c.relkind IN ('r', 'p', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""
Locks = Mapping[str, frozenset[str]]


@dataclass
class Watch:
    """What the revision's statements did so far. `second` is a session of its own, which sees locks while they are held."""

    second: psycopg.Connection
    path: str = ""
    seen: list[Seen] = field(default_factory=list)
    there: frozenset[str] = frozenset()
    transaction: int = 0
    messages: list[str] = field(default_factory=list)
    blind: bool = False
    _files: dict[int, tuple[str, int]] = field(default_factory=dict)
    _held: Locks = field(default_factory=dict)
    _sampler: "Sampler | None" = None
    _listening: set[int] = field(default_factory=set)
    _busy: bool = False

    def begin_revision(self, path: str) -> None:
        """From here on statements are those of the revision at `path`."""
        self.path, self.seen, self.transaction, self._held = path, [], 0, {}
        self._files = self._read_files(self.second)
        self.there = frozenset(name for name, _ in self._files.values())

    def begin(self, connection: Connection) -> None:
        self.transaction += 1
        self._held = {}
        self._listen(connection)

    def before(self, connection: Connection, sql: str, parameters: Any) -> None:
        if self._busy or origin(self.path) is None:
            return
        self.messages.clear()
        if _autocommits(connection):
            self._sampler = Sampler(self.second, _pid(connection), _literal(connection, sql, parameters))
            self._sampler.start()

    def after(self, connection: Connection, sql: str, parameters: Any) -> None:
        found = None if self._busy else origin(self.path)
        if found is None:
            return
        line, operation = found
        sampled, self._sampler = self._sampler, None
        self._busy = True
        try:
            held = self._known(sampled.stop() if sampled else self._locks(connection))
            rewritten = self._rewritten(connection)
        finally:
            self._busy = False
        before = {} if sampled else self._held
        taken = {table: modes - before.get(table, frozenset()) for table, modes in held.items()}
        self._held = {} if sampled else held
        self.seen.append(
            Seen(
                statement=Statement(
                    sql=_literal(connection, sql, parameters),
                    line=line,
                    operation=operation,
                    autocommit=sampled is not None,
                ),
                transaction=-len(self.seen) if sampled else self.transaction,
                held=held,
                taken={table: modes for table, modes in taken.items() if modes},
                rewritten=rewritten,
                messages=tuple(self.messages),
            )
        )

    def _listen(self, connection: Connection) -> None:
        """Has the server tell what it does to tables, on a driver connection that is new to us."""
        driver = connection.connection.driver_connection
        if driver is None or id(driver) in self._listening:
            return
        self._listening.add(id(driver))
        if not isinstance(driver, psycopg.Connection):
            self.blind = True
            return
        driver.add_notice_handler(lambda notice: self.messages.append(notice.message_primary or ""))

    def _locks(self, connection: Connection) -> Locks:
        found: dict[str, set[str]] = defaultdict(set)
        for table, mode in connection.exec_driver_sql(LOCKS.format(pid="pg_backend_pid()")):
            found[table].add(mode)
        return {table: frozenset(modes) for table, modes in found.items()}

    def _known(self, locks: Locks) -> Locks:
        return {table: modes for table, modes in locks.items() if table in self.there}

    def _rewritten(self, connection: Connection) -> frozenset[str]:
        before, self._files = (
            self._files,
            {oid: (name, file) for oid, name, file in connection.exec_driver_sql(FILES).all()},
        )
        return frozenset(
            name
            for oid, (name, file) in before.items()
            if name in self.there and oid in self._files and self._files[oid][1] != file
        )

    @staticmethod
    def _read_files(connection: psycopg.Connection) -> dict[int, tuple[str, int]]:
        return {oid: (name, file) for oid, name, file in connection.execute(FILES).fetchall()}


class Sampler:
    """The locks of a statement outside of a transaction, which are gone when it has ended.

    What may run in a transaction is run in one first, on the second session, and taken back: there its locks are exact. What
    may not, such as CREATE INDEX CONCURRENTLY, is looked at while it runs, as often as can be.
    """

    def __init__(self, second: psycopg.Connection, pid: int, sql: str) -> None:
        self._second, self._pid = second, pid
        self._found: dict[str, set[str]] = defaultdict(set)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._sample_at_all = not self._rehearse(sql)

    def start(self) -> None:
        if self._sample_at_all:
            self._thread.start()

    def stop(self) -> Locks:
        self._ended.set()
        if self._sample_at_all:
            self._thread.join()
        return {table: frozenset(modes) for table, modes in self._found.items()}

    def _rehearse(self, sql: str) -> bool:
        """Whether it ran in a transaction."""
        try:
            with self._second.transaction(force_rollback=True):
                self._second.execute("SET LOCAL lock_timeout = '2s'")
                self._second.execute(sql.encode())
                self._look("pg_backend_pid()")
        except psycopg.Error:
            return False
        return True

    def _sample(self) -> None:
        while not self._ended.wait(0.001):
            self._look(str(self._pid))

    def _look(self, pid: str) -> None:
        for table, mode in self._second.execute(LOCKS.format(pid=pid).encode()).fetchall():
            self._found[table].add(mode)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """While it lasts, `watch` sees what this thread's SQLAlchemy connections send."""
    thread = threading.get_ident()

    def begin(connection: Connection) -> None:
        if threading.get_ident() == thread:
            # At every BEGIN, for a revision may have set it back.
            connection.exec_driver_sql("SET client_min_messages = debug1")
            watch.begin(connection)

    def before(connection: Connection, _: Any, sql: str, parameters: Any, *__: Any) -> None:
        if threading.get_ident() == thread:
            watch.before(connection, sql, parameters)

    def after(connection: Connection, _: Any, sql: str, parameters: Any, *__: Any) -> None:
        if threading.get_ident() == thread:
            watch.after(connection, sql, parameters)

    with listening(("begin", begin), ("before_cursor_execute", before), ("after_cursor_execute", after)):
        yield


def _autocommits(connection: Connection) -> bool:
    """Whether the next statement is a transaction by itself."""
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        return driver.autocommit and driver.info.transaction_status == TransactionStatus.IDLE
    return bool(getattr(driver, "autocommit", False))


def _literal(connection: Connection, sql: str, parameters: Any) -> str:
    """The statement as the server gets it, with its values in it; of many rows at once, with those of the first."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        return sql
    return psycopg.ClientCursor(driver).mogrify(sql, parameters[0] if isinstance(parameters, list) else parameters)


def _pid(connection: Connection) -> int:
    return int(connection.connection.driver_connection.info.backend_pid)  # type: ignore[union-attr]
