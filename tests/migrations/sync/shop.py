"""A table, and operations run on it as plain Alembic runs them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

import seachange_migrations.operations  # noqa: F401 - registers them
from seachange_migrations.running import Run, running
from seachange_migrations.sync import divergent
from tests.migrations.databases import Database


@dataclass(frozen=True)
class Shop:
    """`migrate` runs operations as the owner, `sql` runs statements as the superuser, each a transaction of its own."""

    database: Database
    events: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        engine = create_engine(self.database.master.url(), poolclass=NullPool)
        with engine.connect() as connection:
            yield connection

    def migrate(self, operation: Callable[[Any], Any], *, revision: str = "r1") -> None:
        """Runs `operation` as the body of one revision."""
        with self.connection() as connection, running(Run(on_progress=self._heard, revision=revision)):
            context = MigrationContext.configure(connection)
            with context.begin_transaction(), Operations.context(context) as operations:
                operation(operations)

    def _heard(self, event: Any) -> None:
        self.events.append(dict(event))

    def make(self, *statements: str) -> None:
        """Runs statements as the owner of the tables."""
        with self.database.connect(self.database.master) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def sql(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self.database.connect() as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def row(self, columns: str, key: int = 1, table: str = "items") -> tuple[Any, ...]:
        (found,) = self.sql(f"SELECT {columns} FROM {table} WHERE id = {key}")
        return found

    def repairs(self) -> list[tuple[Any, ...]]:
        """Key, original and reason of each entry."""
        return self.sql("SELECT key ->> 'id', original, reason FROM seachange.repair ORDER BY id")

    def divergent(self, sync: str) -> int:
        with self.connection() as connection:
            return divergent(connection, sync)
