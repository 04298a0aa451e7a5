"""Indexes, unique constraints, foreign keys and checks of tables that are in use."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic.operations.ops import (
    AddConstraintOp,
    CreateForeignKeyOp,
    CreateIndexOp,
    CreateUniqueConstraintOp,
    DropConstraintOp,
    DropIndexOp,
    MigrateOperation,
)

from seachange.authoring.changes import Part
from seachange.authoring.comparison import AUTOCOMMIT, TableDifference
from seachange.authoring.python import call

LATER = "Until contract a trigger derives the column, which no rule may refuse."
UNSET = "The serving release leaves the column NULL, so it cannot break this."
BLUE = "The serving release knows nothing of it and could break it."


def change(difference: TableDifference, operation: MigrateOperation) -> None:
    """One operation on an index or constraint, or any other that Alembic found on a table: that is written as it is."""
    match operation:
        case CreateIndexOp():
            _create_index(difference, operation)
        case DropIndexOp():
            _drop_index(difference, operation)
        case CreateUniqueConstraintOp():
            _add_unique(difference, operation)
        case CreateForeignKeyOp():
            _add_foreign_key(difference, operation)
        case DropConstraintOp():
            _drop_constraint(difference, operation)
        case AddConstraintOp():
            difference.changes.contract.add(difference.comparison.alembic(operation), BLUE)
        case _:
            difference.changes.expand.add(difference.comparison.alembic(operation))


def _add_rule(difference: TableDifference, columns: list[str], code: str) -> Part:
    """Adds `code`, which makes a rule on `columns`, to the phase in which nobody can break it, and returns that."""
    changes = difference.changes
    if any(column in difference.synced for column in columns):
        changes.contract.add(code, LATER, commits=True)
    elif any(column in difference.unset for column in columns):
        changes.expand.add(code, UNSET, commits=True, allow="new-constraint")
        return changes.expand
    else:
        changes.contract.add(code, BLUE, commits=True)
    return changes.contract


def _create_index(difference: TableDifference, operation: CreateIndexOp) -> None:
    index = operation.to_index()
    code = concurrent_index(difference, operation)
    if _replaces(difference, str(index.name)):
        # Its predecessor of the same name goes in the contract phase, or with its column.
        difference.changes.contract.add(code, "After its predecessor of the same name.", commits=True)
    elif operation.unique:
        _add_rule(difference, _names(index.columns), code)
    else:
        difference.changes.expand.add(
            code, "Without CONCURRENTLY writers would wait for as long as it builds.", commits=True
        )


def concurrent_index(difference: TableDifference, operation: CreateIndexOp) -> str:
    operation.kw["postgresql_concurrently"] = True
    return AUTOCOMMIT.format(difference.comparison.alembic(operation))


def _replaces(difference: TableDifference, name: str) -> bool:
    return any(isinstance(other, DropIndexOp) and other.index_name == name for other in difference.others)


def _drop_index(difference: TableDifference, operation: DropIndexOp) -> None:
    index = operation.to_index()
    if difference.goes(_names(index.columns)):
        return  # it goes with its column
    if index.unique:
        _ask_for_unique(difference, str(index.name), _names(index.columns))
    operation.kw["postgresql_concurrently"] = True
    difference.changes.contract.add(
        AUTOCOMMIT.format(difference.comparison.alembic(operation)),
        "The serving release's queries may need it.",
        commits=True,
    )


def _add_unique(difference: TableDifference, operation: CreateUniqueConstraintOp) -> None:
    columns = _names(operation.columns)
    name = _name(difference, operation.constraint_name, columns, "key")
    code = call("op.add_unique", name, difference.name, columns, schema=difference.schema)
    if _add_rule(difference, columns, code) is difference.changes.contract:
        difference.changes.note(
            f"{name} comes with the contract phase: until then the new release cannot write ON CONFLICT ({', '.join(columns)})"
        )


def _add_foreign_key(difference: TableDifference, operation: CreateForeignKeyOp) -> None:
    _add_rule(difference, _names(operation.local_cols), foreign_key(difference, operation))


def foreign_key(difference: TableDifference, operation: CreateForeignKeyOp) -> str:
    """The key, added without validation first, so that the lock on both tables is short."""
    columns, options = _names(operation.local_cols), operation.kw
    name = _name(difference, operation.constraint_name, columns, "fkey")
    if any(options.get(option) for option in ("deferrable", "initially", "match")):
        operation.constraint_name = name
        options["postgresql_not_valid"] = True
        validate = (
            f"ALTER TABLE {difference.comparison.quoted(difference.schema, difference.name)} VALIDATE CONSTRAINT "
        )
        added = difference.comparison.alembic(operation)
        return f"{added}\n" + AUTOCOMMIT.format(call("op.execute", validate + difference.comparison.quoted(name)))
    return call(
        "op.add_foreign_key",
        name,
        difference.name,
        str(operation.referent_table),
        columns,
        _names(operation.remote_cols),
        schema=difference.schema,
        referent_schema=options.get("referent_schema"),
        ondelete=options.get("ondelete"),
        onupdate=options.get("onupdate"),
    )


def _drop_constraint(difference: TableDifference, operation: DropConstraintOp) -> None:
    constraint = operation.to_constraint()
    code = difference.comparison.alembic(operation)
    if isinstance(constraint, sa.ForeignKeyConstraint):
        columns = list(constraint.column_keys)
        if difference.goes(columns):
            return
        if constraint.ondelete:
            difference.changes.contract.add(code, f"The serving release counts on ON DELETE {constraint.ondelete}.")
        else:
            difference.changes.expand.add(code, "A rule less: the serving release does not notice.")
        return
    columns = _names(constraint.columns) if isinstance(constraint, sa.UniqueConstraint) else []
    if difference.goes(columns):
        return  # it goes with its column
    if isinstance(constraint, sa.UniqueConstraint):
        _ask_for_unique(difference, str(constraint.name), columns)
        difference.changes.contract.add(code)
    else:
        difference.changes.expand.add(code, "A rule less: the serving release does not notice.")


def _ask_for_unique(difference: TableDifference, name: str, columns: list[str]) -> None:
    listed = ", ".join(columns)
    difference.changes.contract.ask(
        f"{name} goes: may the new release write equal {listed} before the contract phase, or does the serving one write "
        f"ON CONFLICT ({listed})?",
        "Neither: delete this raise. Equal values: move the drop into the expand revision, below the line\n"
        "`# seachange: allow drop-unique because no ON CONFLICT needs it`.\n"
        "Both: split the release in two; the first one gives up ON CONFLICT.",
    )


def _name(difference: TableDifference, given: object, columns: list[str], suffix: str) -> str:
    # As PostgreSQL names it, so that the models, which name none, find it again.
    return str(given) if given else "_".join([difference.name, *columns, suffix])[:63]


def _names(columns: Iterable[Any]) -> list[str]:
    return [str(getattr(column, "name", column)) for column in columns]
