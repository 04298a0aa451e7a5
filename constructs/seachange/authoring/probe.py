"""Asks PostgreSQL itself what a change would cost, on an empty copy of the table that is never committed."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateColumn

from seachange.authoring.named_types import native_enum

COPY = "seachange_copy"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The database that is compared. Nothing that it tries stays."""

    context: MigrationContext

    def type_sql(self, type_: sa.types.TypeEngine[Any]) -> str:
        """The type in PostgreSQL's words."""
        return str(type_.compile(dialect=self.context.dialect))

    def add_rewrites(self, table: str, schema: str | None, column: sa.Column[Any]) -> bool | None:
        """Whether adding `column`, its default included, rewrites the table; None when PostgreSQL refuses it."""
        alone = column._copy()
        alone.nullable, alone.primary_key, alone.unique, alone.index = True, False, None, None
        holder = sa.Table(COPY, sa.MetaData(), alone)
        definition = CreateColumn(holder.c[column.name]).compile(dialect=self.context.dialect)
        return self._rewrites(table, schema, f"ADD COLUMN {definition}", native_enum(column.type))

    def retype_rewrites(
        self, table: str, schema: str | None, column: str, type_: sa.types.TypeEngine[Any]
    ) -> bool | None:
        """Whether the column takes `type_` only by rewriting the table; None when PostgreSQL refuses it."""
        quote = self.context.dialect.identifier_preparer.quote
        return self._rewrites(table, schema, f"ALTER COLUMN {quote(column)} TYPE {self.type_sql(type_)}")

    def _rewrites(self, table: str, schema: str | None, action: str, enum: sa.Enum | None = None) -> bool | None:
        connection = self.context.connection
        assert connection is not None
        quoted = self.context.dialect.identifier_preparer.format_table(sa.Table(table, sa.MetaData(), schema=schema))
        savepoint = connection.begin_nested()
        try:
            if enum is not None:
                enum.create(connection, checkfirst=True)
            connection.execute(_literal(f"CREATE TEMPORARY TABLE {COPY} (LIKE {quoted})"))
            before = connection.execute(_literal(f"SELECT pg_relation_filenode('pg_temp.{COPY}')")).scalar()
            connection.execute(_literal(f"ALTER TABLE pg_temp.{COPY} {action}"))
            after = connection.execute(_literal(f"SELECT pg_relation_filenode('pg_temp.{COPY}')")).scalar()
        except DBAPIError:
            return None
        finally:
            savepoint.rollback()
        return bool(before != after)


def _literal(statement: str) -> sa.TextClause:
    return sa.text(statement.replace(":", "\\:"))
