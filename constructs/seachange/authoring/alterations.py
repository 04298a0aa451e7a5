"""Columns that models and database both have: type, default, NOT NULL and comment are different changes."""

from typing import Any

import sqlalchemy as sa
from alembic.operations.ops import AlterColumnOp

from seachange.authoring import statements
from seachange.authoring.comparison import TableDifference
from seachange.authoring.intent import intent


def alter(difference: TableDifference, operation: AlterColumnOp) -> None:
    """A column that both have: its type, default, NOT NULL and comment are different changes."""
    column = _database_column(operation)
    if operation.modify_type is not None:
        _retype(difference, operation, column)
    if operation.modify_server_default is not False:
        _change_default(difference, operation, column)
    if operation.modify_nullable is not None:
        _change_nullable(difference, operation, column)
    if operation.modify_comment is not False:
        difference.changes.expand.add(statements.altered(difference, column, comment=operation.modify_comment))


def _retype(difference: TableDifference, operation: AlterColumnOp, column: sa.Column[Any]) -> None:
    new, probe = operation.modify_type, difference.comparison.probe
    assert new is not None
    name, expand = str(column.name), difference.changes.expand
    old_sql, new_sql = probe.type_sql(column.type), probe.type_sql(new)
    elsewhere = (
        f"So give the attribute a column of another name, which is derived from {name} and back until contract:\n"
        f'    mapped_column("{name}_v2", ..., info={{"seachange": {{"changed_from": "{name}",\n'
        f'        "forward": "CAST({name} AS {new_sql})", "backward": "CAST({name}_v2 AS {old_sql})"}}}})\n'
        "Then delete these revisions and generate them again."
    )
    cheap = probe.retype_rewrites(difference.name, difference.schema, name, new) is False
    if not (cheap and _only_widens(column.type, new)):
        expand.ask(
            f"{difference.at(name)}: how does {old_sql} become {new_sql}, and back?",
            "In place, every row would be rewritten or checked under a lock, or the serving release would read it otherwise.\n"
            + elsewhere,
        )
        return
    if not intent(difference.model().c[name]).in_place:
        expand.ask(
            f"{difference.at(name)}: may {old_sql} be widened to {new_sql} in place?",
            "It rewrites nothing, but a statement that a session has prepared and that returns the column fails from then on;\n"
            "psycopg prepares what it runs a sixth time.\n"
            'Yes, the serving release prepares none (psycopg: prepare_threshold=None): info={"seachange": {"in_place": True}}, or\n'
            "delete this raise.\n"
            f"No. {elsewhere}",
        )
    why = "A wider type of the same kind rewrites nothing, and no session has prepared a statement that returns it."
    expand.add(statements.altered(difference, column, type_=new), why, allow="change-type")


def _only_widens(old: sa.types.TypeEngine[Any], new: sa.types.TypeEngine[Any]) -> bool:
    """Whether a reader of `old` reads every value of it in `new` as before. Whether it is cheap, PostgreSQL says."""
    if isinstance(old, sa.String) and isinstance(new, sa.String) and not isinstance(new, sa.Enum):
        return new.length is None or (old.length is not None and new.length >= old.length)
    if isinstance(old, sa.Float) or isinstance(new, sa.Float):
        return False
    if isinstance(old, sa.Numeric) and isinstance(new, sa.Numeric):
        return old.scale == new.scale and (new.precision or 0) >= (old.precision or 0) and old.precision is not None
    return False


def _change_default(difference: TableDifference, operation: AlterColumnOp, column: sa.Column[Any]) -> None:
    default = operation.modify_server_default
    code = statements.altered(difference, column, server_default=default)
    if default is None:
        difference.changes.contract.add(code, "Until now an older release may have inserted rows without the column.")
    else:
        difference.changes.expand.add(code, "Rows that are there stay as they are.")


def _change_nullable(difference: TableDifference, operation: AlterColumnOp, column: sa.Column[Any]) -> None:
    name = str(column.name)
    if operation.modify_nullable:
        difference.changes.expand.add(
            statements.altered(difference, column, nullable=True), "The new release writes NULL."
        )
        difference.changes.note(
            f"{difference.at(name)} may be NULL as soon as the new release writes: the serving release must be able to read that"
        )
        return
    contract = difference.changes.contract
    model = difference.model().c[name]
    value = intent(model).backfill
    if value is not None:
        contract.add(statements.backfill(difference, name, value), commits=True)
    else:
        difference.changes.note(
            f'{difference.at(name)} becomes NOT NULL in the contract phase, which stops if a row has NULL; info={{"seachange": '
            '{"backfill": "..."}} fills such rows'
        )
    contract.add(
        statements.set_not_null(difference, name), "An older release may have written NULL until now.", commits=True
    )


def _database_column(operation: AlterColumnOp) -> sa.Column[Any]:
    return sa.Column(operation.column_name, operation.existing_type, nullable=operation.existing_nullable)
