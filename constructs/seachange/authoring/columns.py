"""Columns that are added, dropped or altered, each on its own."""

from typing import Any

import sqlalchemy as sa
from alembic.operations.ops import AddColumnOp, AlterColumnOp, DropColumnOp

from seachange.authoring.comparison import TableDifference
from seachange.authoring.intent import intent
from seachange.authoring.python import call


def add(difference: TableDifference, column: sa.Column[Any]) -> None:
    """A new column that nothing derives."""
    comparison, name = difference.comparison, str(column.name)
    expand = difference.changes.expand
    table, schema = difference.name, difference.schema
    rewrites = comparison.probe.add_rewrites(table, schema, column)
    if column.computed is not None or column.identity is not None:
        if rewrites is not False:
            expand.ask(
                f"{difference.at(name)}: PostgreSQL computes it for every row, which rewrites the table while nobody can read "
                "it; is the table small enough for that?",
                "Yes: delete this raise. No: make it a plain column in the model, that the releases or a trigger fill.",
            )
        expand.add(_added(difference, column))
    elif column.server_default is not None and rewrites is not False:
        _add_with_volatile_default(difference, column)
    elif column.server_default is not None or column.nullable:
        if column.server_default is None:
            difference.unset.add(name)
        expand.add(_added(difference, column), "No rewrite: the default is kept once, not in each row." if column.server_default else "")
    else:
        _add_not_null(difference, column)


def _add_with_volatile_default(difference: TableDifference, column: sa.Column[Any]) -> None:
    expand, name = difference.changes.expand, str(column.name)
    expand.add(
        _added(difference, column, nullable=True, server_default=None),
        "Its default differs from row to row: with it, ADD COLUMN would rewrite the table under a lock.",
    )
    expand.add(_altered(difference, column, server_default=column.server_default), "For rows from now on, the serving release's too.")
    expand.add(_backfill(difference, name, _default_sql(difference, column)), "For the rows that are there.", commits=True)
    if not column.nullable:
        expand.add(
            _set_not_null(difference, name),
            "The serving release does not know the column, so its rows take the default.",
            commits=True,
        )


def _add_not_null(difference: TableDifference, column: sa.Column[Any]) -> None:
    expand, contract, name = difference.changes.expand, difference.changes.contract, str(column.name)
    value = intent(column).backfill
    if value is not None:
        filled = column._copy()
        filled.server_default = sa.DefaultClause(sa.text(value))
        if difference.comparison.probe.add_rewrites(difference.name, difference.schema, filled) is False:
            expand.add(
                _added(difference, column, server_default=filled.server_default),
                "A default for as long as the serving release writes rows without this column.",
            )
            contract.add(_altered(difference, column, server_default=None), "Every release that is left writes it.")
            return
    difference.unset.add(name)
    expand.add(
        _added(difference, column, nullable=True),
        "Nullable, for the serving release writes rows without it; NOT NULL comes with contract.",
    )
    if value is None:
        hint = column.default.arg if column.default is not None and column.default.is_scalar else "value"
        example = f"'{hint}'" if isinstance(hint, str) else str(hint)
        expand.ask(
            f"{difference.at(name)} is NOT NULL without a default: what do the rows get that are there, and those that the "
            "serving release still writes?",
            f'In the model, info={{"seachange": {{"backfill": "{example}"}}}} (an SQL expression over the row), or a\n'
            "server_default; then delete these revisions and generate them again. Or delete this raise: such rows have NULL\n"
            "until you fill them, and contract's set_not_null stops while there are any.",
        )
    else:
        expand.add(_backfill(difference, name, value), commits=True)
        contract.add(_backfill(difference, name, value), "The rows that the older release wrote since.", commits=True)
        difference.changes.note(
            f"{difference.at(name)} is NULL in rows that the serving release writes, until the contract phase: the new release "
            "must be able to read that"
        )
    contract.add(_set_not_null(difference, name), commits=True)


def drop(difference: TableDifference, column: sa.Column[Any]) -> None:
    """A column that no model has any more, and that nothing took the place of."""
    name = str(column.name)
    fills_itself = column.server_default is not None or column.computed is not None or column.identity is not None
    if not column.nullable and not fills_itself and not column.primary_key:
        difference.changes.expand.add(
            _altered(difference, column, nullable=True), "The new release inserts rows without it, which NOT NULL would refuse."
        )
        difference.changes.note(
            f"{difference.at(name)} is NULL in rows that the new release inserts; if the serving release cannot read NULL "
            "there, give it a server default in place of DROP NOT NULL"
        )
    operation = DropColumnOp(difference.name, name, schema=difference.schema)
    difference.changes.contract.add(difference.comparison.alembic(operation))


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
        difference.changes.expand.add(_altered(difference, column, comment=operation.modify_comment))


def _retype(difference: TableDifference, operation: AlterColumnOp, column: sa.Column[Any]) -> None:
    new, probe = operation.modify_type, difference.comparison.probe
    assert new is not None
    name = str(column.name)
    keeps_values = _only_widens(column.type, new)
    if keeps_values and probe.retype_rewrites(difference.name, difference.schema, name, new) is False:
        difference.changes.expand.add(
            _altered(difference, column, type_=new), "A wider type of the same kind: no rewrite, and it reads as before."
        )
        return
    old_sql, new_sql = probe.type_sql(column.type), probe.type_sql(new)
    difference.changes.expand.ask(
        f"{difference.at(name)}: {old_sql} cannot become {new_sql} in place, which would rewrite or check every row under a "
        "lock, or change what the serving release reads; how are the values converted, both ways?",
        f"Give the attribute a column of another name, which is derived from {name} and back until contract:\n"
        f'    mapped_column("{name}_v2", ..., info={{"seachange": {{"changed_from": "{name}",\n'
        f'        "forward": "CAST({name} AS {new_sql})", "backward": "CAST({name}_v2 AS {old_sql})"}}}})\n'
        "Then delete these revisions and generate them again.",
    )


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
    code = _altered(difference, column, server_default=default)
    if default is None:
        difference.changes.contract.add(code, "Until now an older release may have inserted rows without the column.")
    else:
        difference.changes.expand.add(code, "Rows that are there stay as they are.")


def _change_nullable(difference: TableDifference, operation: AlterColumnOp, column: sa.Column[Any]) -> None:
    name = str(column.name)
    if operation.modify_nullable:
        difference.changes.expand.add(_altered(difference, column, nullable=True), "The new release writes NULL.")
        difference.changes.note(f"{difference.at(name)} may be NULL as soon as the new release writes: the serving release must be able to read that")
        return
    contract = difference.changes.contract
    model = difference.model().c[name]
    value = intent(model).backfill
    if value is not None:
        contract.add(_backfill(difference, name, value), commits=True)
    else:
        difference.changes.note(
            f'{difference.at(name)} becomes NOT NULL in the contract phase, which stops if a row has NULL; info={{"seachange": '
            '{"backfill": "..."}} fills such rows'
        )
    contract.add(_set_not_null(difference, name), "An older release may have written NULL until now.", commits=True)


def settle(difference: TableDifference, column: sa.Column[Any]) -> None:
    """What the model asks of a derived column, once nothing derives it any more."""
    contract = difference.changes.contract
    if column.server_default is not None:
        contract.add(_altered(difference, column, existing_nullable=True, server_default=column.server_default))
    if not column.nullable:
        contract.add(_set_not_null(difference, str(column.name)), commits=True)
    if column.comment is not None:
        difference.changes.expand.add(_altered(difference, column, comment=column.comment))


def _database_column(operation: AlterColumnOp) -> sa.Column[Any]:
    return sa.Column(operation.column_name, operation.existing_type, nullable=operation.existing_nullable)


def _added(difference: TableDifference, column: sa.Column[Any], **changed: object) -> str:
    copy = column._copy()
    for attribute, value in changed.items():
        setattr(copy, attribute, value)
    return difference.comparison.alembic(AddColumnOp(difference.name, copy, schema=difference.schema))


def _altered(difference: TableDifference, column: sa.Column[Any], *, type_: object = None, existing_nullable: bool | None = None, **changed: object) -> str:
    modified = {f"modify_{name}": value for name, value in changed.items()}
    operation = AlterColumnOp(
        difference.name,
        str(column.name),
        schema=difference.schema,
        existing_type=column.type,
        existing_nullable=existing_nullable,
        modify_type=type_,
        **modified,  # type: ignore[arg-type]
    )
    return difference.comparison.alembic(operation)


def _backfill(difference: TableDifference, column: str, value: str) -> str:
    where = f"{difference.comparison.quoted(column)} IS NULL"
    return call("op.backfill", difference.name, set={column: value}, where=where, schema=difference.schema)


def _set_not_null(difference: TableDifference, column: str) -> str:
    return call("op.set_not_null", difference.name, column, schema=difference.schema)


def _default_sql(difference: TableDifference, column: sa.Column[Any]) -> str:
    compiler = difference.comparison.autogen.dialect.ddl_compiler(difference.comparison.autogen.dialect, None)
    return str(compiler.get_column_default_string(column))
