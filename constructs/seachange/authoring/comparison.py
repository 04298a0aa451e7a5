"""One comparison of models and database: what all its parts share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type, render_op_text
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    DropColumnOp,
    MigrateOperation,
    ModifyTableOps,
)

from seachange.authoring.changes import Changes
from seachange.authoring.named_types import explicit
from seachange.authoring.probe import Probe
from seachange.authoring.python import Code

AUTOCOMMIT = "with op.get_context().autocommit_block():\n    {}"


def shown(schema: str | None, table: object) -> str:
    """A table's name for a reader: two schemas may have one of the same name."""
    return f"{schema}.{table}" if schema else str(table)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`new_tables` holds schema and name of the tables that this change makes: nobody uses them yet."""

    autogen: AutogenContext
    probe: Probe
    changes: Changes = field(default_factory=Changes)
    new_tables: set[tuple[str, str]] = field(default_factory=set)

    def place(self, schema: str | None, table: object) -> tuple[str, str]:
        """Schema and name of a table, whether or not its schema is named."""
        return schema or self.autogen.dialect.default_schema_name or "public", str(table)

    def alembic(self, operation: MigrateOperation) -> str:
        """The operation as Alembic writes it."""
        return render_op_text(self.autogen, operation)

    def type(self, type_: sa.types.TypeEngine[Any]) -> Code:
        """The type as Python source; its imports are remembered."""
        return Code(_repr_type(explicit(type_), self.autogen))

    def quoted(self, *names: str | None) -> str:
        """A name for SQL, qualified by those before it that are not None."""
        quote = self.autogen.dialect.identifier_preparer.quote
        return ".".join(quote(name) for name in names if name)


@dataclass(kw_only=True)
class TableDifference:
    """The differences of one table that both sides have, or of the indexes and keys of a new one.

    Args:
        added: The models' new columns by name.
        dropped: The database's columns that no model has.
        altered: Alembic's operations on columns that both have.
        others: The operations on indexes, constraints and comments.
        synced: New columns that a trigger derives until contract.
        unset: New columns that are NULL in whatever the serving release writes.
    """

    comparison: Comparison
    name: str
    schema: str | None
    added: dict[str, sa.Column[Any]] = field(default_factory=dict)
    dropped: dict[str, sa.Column[Any]] = field(default_factory=dict)
    altered: list[AlterColumnOp] = field(default_factory=list)
    others: list[MigrateOperation] = field(default_factory=list)
    synced: set[str] = field(default_factory=set)
    unset: set[str] = field(default_factory=set)
    _database: dict[str, sa.Column[Any]] | None = None

    @classmethod
    def of(cls, comparison: Comparison, operation: ModifyTableOps) -> "TableDifference":
        found = cls(comparison=comparison, name=str(operation.table_name), schema=operation.schema)
        for part in operation.ops:
            if isinstance(part, AddColumnOp):
                found.added[str(part.column.name)] = part.column
            elif isinstance(part, DropColumnOp):
                column = part.to_column()
                found.dropped[str(column.name)] = column
            elif isinstance(part, AlterColumnOp):
                found.altered.append(part)
            else:
                found.others.append(part)
        found.dropped = dict(sorted(found.dropped.items()))
        return found

    @property
    def changes(self) -> Changes:
        return self.comparison.changes

    def model(self) -> sa.Table:
        """The models' table."""
        place = self.comparison.place
        (found,) = (
            table
            for table in self.comparison.autogen.sorted_tables
            if place(table.schema, table.name) == place(self.schema, self.name)
        )
        return found

    def database_columns(self) -> dict[str, sa.Column[Any]]:
        """The table's columns as the database has them."""
        if self._database is None:
            table = sa.Table(self.name, sa.MetaData(), schema=self.schema)
            self.comparison.autogen.inspector.reflect_table(table, include_columns=None)
            self._database = {str(column.name): column for column in table.columns}
        return self._database

    def at(self, column: str) -> str:
        """The column's name for a reader."""
        return f"{shown(self.schema, self.name)}.{column}"

    def goes(self, columns: Iterable[str]) -> bool:
        """Whether one of the columns is dropped, and what is built on them with it."""
        return any(column in self.dropped for column in columns)
