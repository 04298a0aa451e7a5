"""Splits what Alembic's comparison found into what the serving release does not notice, and the rest."""

from graphlib import CycleError, TopologicalSorter

from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateTableOp,
    DropTableOp,
    MigrateOperation,
    ModifyTableOps,
    UpgradeOps,
)
from sqlalchemy import Column, ForeignKeyConstraint
from sqlalchemy.schema import SchemaItem

from seachange.authoring import alterations, columns, constraints, enums, synced
from seachange.authoring.changes import Changes
from seachange.authoring.comparison import Comparison, TableDifference, shown
from seachange.authoring.intent import intent
from seachange.authoring.named_types import explicit
from seachange.authoring.probe import Probe
from seachange_migrations import state


def split(autogen: AutogenContext, upgrade: UpgradeOps) -> Changes:
    """The changes that `upgrade` asks for. Raises AuthoringError for models whose `info` cannot be read."""
    comparison = Comparison(autogen=autogen, probe=Probe(context=autogen.migration_context))
    operations = [operation for operation in upgrade.ops if getattr(operation, "schema", None) != state.SCHEMA]
    created = [operation for operation in operations if isinstance(operation, CreateTableOp)]
    comparison.new_tables.update(comparison.place(operation.schema, operation.table_name) for operation in created)
    dropped = {
        comparison.place(operation.schema, operation.table_name)
        for operation in operations
        if isinstance(operation, DropTableOp)
    }
    enums.change(comparison)
    for operation in _referring_first(operations):
        schema, table = getattr(operation, "schema", None), str(getattr(operation, "table_name", ""))
        comparison.changes.tables.add(table)
        is_new = comparison.place(schema, table) in comparison.new_tables
        comparison.changes.turn_to("" if is_new else shown(schema, table))
        _change(comparison, operation, dropped)
    _ask_for_renamed_tables(comparison, created, [op for op in operations if isinstance(op, DropTableOp)])
    return comparison.changes


def _referring_first(operations: list[MigrateOperation]) -> list[MigrateOperation]:
    """The operations, a table that goes before those that it refers to; Alembic keeps no order among them."""
    going = {(op.schema, str(op.table_name)): op for op in operations if isinstance(op, DropTableOp)}
    sorter: TopologicalSorter[tuple[str | None, str]] = TopologicalSorter()
    for key, operation in sorted(going.items(), key=lambda item: (item[0][0] or "", item[0][1])):
        sorter.add(key)
        for constraint in operation.to_table().foreign_key_constraints:
            referred = constraint.elements[0].column.table if constraint.elements[0].column is not None else None
            if referred is not None and (other := (referred.schema, str(referred.name))) in going and other != key:
                sorter.add(other, key)
    try:
        ordered = [going[key] for key in sorter.static_order()]
    except CycleError:
        ordered = list(going.values())
    return [*(operation for operation in operations if not isinstance(operation, DropTableOp)), *ordered]


def _change(comparison: Comparison, operation: MigrateOperation, dropped: set[tuple[str, str]]) -> None:
    changes = comparison.changes
    match operation:
        case CreateTableOp():
            _create_table(comparison, operation)
        case DropTableOp():
            changes.contract.add(comparison.alembic(operation), "The serving release uses it.")
        case ModifyTableOps() if comparison.place(operation.schema, operation.table_name) in comparison.new_tables:
            for part in operation.ops:
                changes.expand.add(comparison.alembic(part))
        case ModifyTableOps() if comparison.place(operation.schema, operation.table_name) in dropped:
            pass  # its indexes go with it
        case ModifyTableOps():
            _modify_table(TableDifference.of(comparison, operation))
        case _:
            changes.contract.add(comparison.alembic(operation))


def _create_table(comparison: Comparison, operation: CreateTableOp) -> None:
    """A new table; its keys to tables that are in use come last, for each locks such a table."""
    later: list[ForeignKeyConstraint] = []
    own: list[SchemaItem] = []
    for item in operation.columns:
        if isinstance(item, ForeignKeyConstraint) and not _is_new(comparison, item):
            later.append(item)
        elif isinstance(item, Column):
            column = item._copy()
            column.type = explicit(item.type)
            own.append(column)
        else:
            own.append(item)
    operation.columns, operation.info = own, {}
    comparison.changes.expand.add(comparison.alembic(operation))
    difference = TableDifference(comparison=comparison, name=str(operation.table_name), schema=operation.schema)
    for key in later:
        code = constraints.foreign_key(difference, CreateForeignKeyOp.from_constraint(key))
        comparison.changes.expand.add(code, "It locks the other table, for a moment and alone.", commits=True)


def _is_new(comparison: Comparison, key: ForeignKeyConstraint) -> bool:
    referred = key.elements[0].column.table
    return comparison.place(referred.schema, referred.name) in comparison.new_tables


def _modify_table(difference: TableDifference) -> None:
    pairs = synced.pairs(difference)
    taken = {name for pair in pairs for name in pair.old} | synced.end(difference)
    derived = {name for pair in pairs for name in pair.new}
    added = [column for name, column in difference.added.items() if name not in derived]
    dropped = [column for name, column in difference.dropped.items() if name not in taken]
    synced.ask_for_renames(difference, dropped, [column for column in added if not intent(column).sources])
    for column in added:
        columns.add(difference, column)
    for pair in pairs:
        synced.add(difference, pair)
    for operation in difference.altered:
        alterations.alter(difference, operation)
    for other in difference.others:
        constraints.change(difference, other)
    for column in dropped:
        columns.drop(difference, column)


def _ask_for_renamed_tables(comparison: Comparison, created: list[CreateTableOp], dropped: list[DropTableOp]) -> None:
    for old in dropped:
        names = {column.name for column in old.to_table().columns}
        for new in created:
            if len(names & {column.name for column in new.to_table().columns}) > len(names) / 2:
                comparison.changes.expand.ask(
                    f"table {shown(old.schema, old.table_name)} goes and {shown(new.schema, new.table_name)}, much like it, comes: is that a rename?",
                    f'Yes: keep the database\'s name, __tablename__ = "{old.table_name}": two releases cannot share a table under two\n'
                    "names. Then delete these revisions and generate them again.\n"
                    f"No: delete this raise: {new.table_name} begins empty, and contract drops {old.table_name} with its data.",
                )
