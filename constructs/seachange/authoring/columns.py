"""Columns that come or go, each on its own."""

from typing import Any

import sqlalchemy as sa
from alembic.operations.ops import DropColumnOp
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from seachange.authoring import statements
from seachange.authoring.comparison import TableDifference
from seachange.authoring.intent import intent


def add(difference: TableDifference, column: sa.Column[Any]) -> None:
    """A new column that nothing derives."""
    comparison, name = difference.comparison, str(column.name)
    expand = difference.changes.expand
    table, schema = difference.name, difference.schema
    rewrites = comparison.probe.add_rewrites(table, schema, column)
    if column.computed is not None or column.identity is not None:
        if rewrites is not False:
            expand.ask(
                f"{difference.at(name)} is computed for every row: may the table be rewritten while nobody can read it?",
                "Yes, it is small: delete this raise. No: make it a plain column in the model, that the releases or a trigger fill.",
            )
            expand.add(
                statements.added(difference, column), "The table is small enough for that.", allow="rewrite-table"
            )
        else:
            expand.add(statements.added(difference, column))
    elif column.server_default is not None and rewrites is not False:
        _add_with_volatile_default(difference, column)
    elif column.server_default is not None or column.nullable:
        if column.server_default is None:
            difference.unset.add(name)
        expand.add(
            statements.added(difference, column),
            "No rewrite: the default is kept once, not in each row." if column.server_default else "",
        )
    else:
        _add_not_null(difference, column)


def _add_with_volatile_default(difference: TableDifference, column: sa.Column[Any]) -> None:
    expand, name = difference.changes.expand, str(column.name)
    expand.add(
        statements.added(difference, column, nullable=True, server_default=None),
        "Its default differs from row to row: with it, ADD COLUMN would rewrite the table under a lock.",
    )
    expand.add(
        statements.altered(difference, column, server_default=column.server_default),
        "For rows from now on, the serving release's too.",
    )
    expand.add(
        statements.backfill(difference, name, statements.default_sql(difference, column)),
        "For the rows that are there.",
        commits=True,
    )
    if not column.nullable:
        expand.add(
            statements.set_not_null(difference, name),
            "The serving release does not know the column, so its rows take the default.",
            commits=True,
            allow="new-constraint",
        )


def _add_not_null(difference: TableDifference, column: sa.Column[Any]) -> None:
    expand, contract, name = difference.changes.expand, difference.changes.contract, str(column.name)
    value = intent(column).backfill
    if value is not None:
        filled = column._copy()
        filled.server_default = sa.DefaultClause(sa.text(value))
        if difference.comparison.probe.add_rewrites(difference.name, difference.schema, filled) is False:
            expand.add(
                statements.added(difference, column, server_default=filled.server_default),
                "A default for as long as the serving release writes rows without this column.",
            )
            contract.add(
                statements.altered(difference, column, server_default=None), "Every release that is left writes it."
            )
            return
    difference.unset.add(name)
    expand.add(
        statements.added(difference, column, nullable=True),
        "Nullable, for the serving release writes rows without it; NOT NULL comes with contract.",
    )
    if value is None:
        hint = column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else "value"
        example = f"'{hint}'" if isinstance(hint, str) else str(hint)
        expand.ask(
            f"{difference.at(name)} is NOT NULL without a default: what do rows get that are written without it?",
            f'In the model, info={{"seachange": {{"backfill": "{example}"}}}} (an SQL expression over the row), or a\n'
            "server_default; then delete these revisions and generate them again. Or delete this raise: such rows have NULL\n"
            "until you fill them, and contract's set_not_null stops while there are any.",
        )
    else:
        expand.add(statements.backfill(difference, name, value), commits=True)
        contract.add(
            statements.backfill(difference, name, value), "The rows that the older release wrote since.", commits=True
        )
        difference.changes.note(
            f"{difference.at(name)} is NULL in rows that the serving release writes, until the contract phase: the new release "
            "must be able to read that"
        )
    contract.add(statements.set_not_null(difference, name), commits=True)


def drop(difference: TableDifference, column: sa.Column[Any]) -> None:
    """A column that no model has any more, and that nothing took the place of."""
    name = str(column.name)
    fills_itself = column.server_default is not None or column.computed is not None or column.identity is not None
    if not column.nullable and not fills_itself and not column.primary_key:
        difference.changes.expand.add(
            statements.altered(difference, column, nullable=True),
            "The new release inserts rows without it, which NOT NULL would refuse.",
        )
        difference.changes.note(
            f"{difference.at(name)} is NULL in rows that the new release inserts; if the serving release cannot read NULL "
            "there, give it a server default in place of DROP NOT NULL"
        )
    operation = DropColumnOp(difference.name, name, schema=difference.schema)
    difference.changes.contract.add(difference.comparison.alembic(operation))
