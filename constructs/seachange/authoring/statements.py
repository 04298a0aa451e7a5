"""Statements that several kinds of change write."""

from typing import Any

import sqlalchemy as sa
from alembic.operations.ops import AddColumnOp, AlterColumnOp

from seachange.authoring.comparison import TableDifference
from seachange.authoring.named_types import explicit
from seachange.authoring.python import call


def added(difference: TableDifference, column: sa.Column[Any], **changed: object) -> str:
    copy = column._copy()
    copy.type = explicit(column.type)
    for attribute, value in changed.items():
        setattr(copy, attribute, value)
    return difference.comparison.alembic(AddColumnOp(difference.name, copy, schema=difference.schema))


def altered(difference: TableDifference, column: sa.Column[Any], *, type_: object = None, **changed: object) -> str:
    modified = {f"modify_{name}": value for name, value in changed.items()}
    operation = AlterColumnOp(
        difference.name,
        str(column.name),
        schema=difference.schema,
        existing_type=explicit(column.type),
        modify_type=type_,
        **modified,  # type: ignore[arg-type]
    )
    return difference.comparison.alembic(operation)


def backfill(difference: TableDifference, column: str, value: str) -> str:
    where = f"{difference.comparison.quoted(column)} IS NULL"
    return call("op.backfill", difference.name, set={column: value}, where=where, schema=difference.schema)


def set_not_null(difference: TableDifference, column: str) -> str:
    return call("op.set_not_null", difference.name, column, schema=difference.schema)


def default_sql(difference: TableDifference, column: sa.Column[Any]) -> str:
    """The SQL of the column's server default."""
    default = column.server_default
    assert isinstance(default, sa.DefaultClause)
    text = sa.literal(default.arg) if isinstance(default.arg, str) else default.arg
    dialect = difference.comparison.autogen.dialect
    return str(text.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
