"""Columns that take the place of others: a trigger keeps both sides in step from expand to contract."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from seachange.authoring import statements
from seachange.authoring.comparison import TableDifference
from seachange.authoring.errors import AuthoringError
from seachange.authoring.intent import Intent, intent
from seachange.authoring.python import call
from seachange_migrations.sync import guards
from seachange_migrations.sync.store import registered
from seachange_migrations.sync.table import Table


@dataclass(frozen=True, kw_only=True)
class Pair:
    """New columns and the old ones they are derived from, with what each new column says."""

    old: tuple[str, ...]
    new: Mapping[str, sa.Column[Any]]
    said: Mapping[str, Intent]

    @property
    def name(self) -> str:
        """The name that the operations give the sync of the pair, when none is given."""
        return next(iter(self.new))

    @property
    def lossy(self) -> bool | None:
        return True if any(said.lossy for said in self.said.values()) else None


def pairs(difference: TableDifference) -> list[Pair]:
    """The pairs that the models name among the added columns. Raises AuthoringError when they name what is not there."""
    groups: dict[tuple[str, ...], dict[str, Intent]] = defaultdict(dict)
    for name, column in difference.added.items():
        said = intent(column)
        if not said.sources:
            continue
        for source in said.sources:
            if source not in difference.database_columns():
                raise AuthoringError(
                    f"{difference.at(name)}: info['seachange'] names {source!r}, which {difference.name} does not have in the "
                    "database: correct the name, or take the entry out"
                )
        groups[said.sources][name] = said
    sources = [source for old in groups for source in old]
    if twice := sorted({source for source in sources if sources.count(source) > 1}):
        raise AuthoringError(
            f"{difference.at(twice[0])} is named by several new columns, with others beside it or in another order: name the same "
            "columns in the same order at each"
        )
    found = []
    for old, said_by in groups.items():
        if len(said_by) > 1 and any(said.kind != "from" for said in said_by.values()):
            raise AuthoringError(
                f"{', '.join(map(difference.at, said_by))}: all say that they take the place of {', '.join(old)}: for several "
                "new columns write 'from' at each, with 'forward' and 'backward'"
            )
        found.append(Pair(old=old, new={name: difference.added[name] for name in said_by}, said=said_by))
    return found


def add(difference: TableDifference, pair: Pair) -> None:
    """Expand: the new columns, the trigger, the backfill. Contract: the trigger and the old columns go."""
    expand, contract = difference.changes.expand, difference.changes.contract
    old_columns = [difference.database_columns()[name] for name in pair.old]
    for column in old_columns:
        if column.primary_key:
            raise AuthoringError(
                f"{difference.at(str(column.name))} is part of the primary key, which the trigger and the backfill find rows by: "
                "keep the column's name in the database, mapped_column(\""
                + str(column.name)
                + '"), or change the key by hand'
            )
        if why := _why_nullable(difference, pair, column):
            expand.add(statements.altered(difference, column, nullable=True), why)
    expand.add(_sync(difference, pair, old_columns[0]), _why(pair))
    sync = f"{difference.name}_{pair.name}"
    expand.add(
        call("op.backfill", difference.name, sync=sync, schema=difference.schema),
        "The rows that are there.",
        commits=True,
    )
    difference.synced.update(pair.new)
    if kept := [name for name in pair.old if name not in difference.dropped]:
        difference.changes.note(
            f"{', '.join(map(difference.at, kept))} stays in the models, so the trigger stays too: op.drop_synced, which ends "
            "it, is written when a release drops the column"
        )
        return
    contract.add(
        call("op.drop_synced", difference.name, sync=sync, schema=difference.schema),
        f"The trigger and {', '.join(pair.old)}; refused while a row is not in step.",
    )
    for column in pair.new.values():
        _settle(difference, column)


def end(difference: TableDifference) -> set[str]:
    """Drops the syncs of earlier revisions whose old columns go now, and returns those columns."""
    connection = difference.comparison.probe.context.connection
    assert connection is not None
    ended: set[str] = set()
    place = difference.comparison.place(difference.schema, difference.name)
    for sync in registered(connection):
        if (sync.schema, sync.table) == place and set(sync.old) <= set(difference.dropped):
            difference.changes.contract.add(
                call("op.drop_synced", difference.name, sync=sync.name, schema=difference.schema),
                f"The trigger and {', '.join(sync.old)}; refused while a row is not in step.",
            )
            ended.update(sync.old)
    return ended


def _why(pair: Pair) -> str:
    old, new = ", ".join(pair.old), ", ".join(pair.new)
    verb = "takes" if len(pair.new) == 1 else "take"
    return f"{new} {verb} the place of {old}: a trigger keeps both in step, whichever release writes."


def _why_nullable(difference: TableDifference, pair: Pair, old: sa.Column[Any]) -> str:
    """Why an old column cannot stay NOT NULL while both releases write; empty where it can."""
    if old.nullable:
        return ""
    if all(new.nullable for new in pair.new.values()):
        return "The new release may write NULL, which the trigger then derives for this column too."
    if old.server_default is not None or old.identity is not None:
        return ""
    if not _is_rename(difference, pair, old):
        return "A row that the new release inserts has no value here when the new one does not convert back."
    if _is_guarded(difference, old):
        return "A row that the new release inserts has no value here when a constraint refuses the new one."
    return ""


def _is_guarded(difference: TableDifference, column: sa.Column[Any]) -> bool:
    """Whether a CHECK or a foreign key asks something of the column's values."""
    connection = difference.comparison.probe.context.connection
    assert connection is not None
    table = Table.read(connection, difference.name, difference.schema)
    return bool(guards.read(connection, table, [str(column.name)]).tests)


def _is_rename(difference: TableDifference, pair: Pair, old: sa.Column[Any]) -> bool:
    """Whether the one new column holds what the old one does."""
    column, said = next(iter(pair.new.values())), next(iter(pair.said.values()))
    type_sql = difference.comparison.probe.type_sql
    return said.kind != "from" and said.forward is said.backward is None and type_sql(old.type) == type_sql(column.type)


def _sync(difference: TableDifference, pair: Pair, old: sa.Column[Any]) -> str:
    (name, column), said = next(iter(pair.new.items())), next(iter(pair.said.values()))
    comparison = difference.comparison
    new_type, schema = comparison.type(column.type), difference.schema
    if said.kind == "from":
        types = {name: comparison.type(column.type) for name, column in pair.new.items()}
        forward, backward = _conversions(difference, pair)
        return call(
            "op.sync_columns",
            difference.name,
            old=pair.old,
            new=types,
            forward=forward,
            backward=backward,
            lossy=pair.lossy,
            schema=schema,
        )
    if _is_rename(difference, pair, old):
        return call("op.rename_column", difference.name, str(old.name), name, type_=new_type, schema=schema)
    old_sql, new_sql = comparison.probe.type_sql(old.type), comparison.probe.type_sql(column.type)
    if said.forward is None or said.backward is None:
        difference.changes.expand.ask(
            f"{difference.at(name)} takes the place of {old.name}: how does {old_sql} become {new_sql}, and back?",
            'In the model add "forward" and "backward" to info["seachange"], SQL expressions over the old column and over the\n'
            "new one, then delete these revisions and generate them again. Or delete this raise, if the casts below are right.",
        )
    return call(
        "op.change_type",
        difference.name,
        str(old.name),
        name,
        new_type,
        forward=said.forward or f"CAST({comparison.quoted(str(old.name))} AS {new_sql})",
        backward=_one(said.backward, str(old.name)) or f"CAST({comparison.quoted(name)} AS {old_sql})",
        lossy=pair.lossy,
        schema=schema,
    )


def _conversions(difference: TableDifference, pair: Pair) -> tuple[object, object]:
    """Forward by new column, backward by old one; a single expression stands alone."""
    where = ", ".join(map(difference.at, pair.new))
    missing = [name for name, said in pair.said.items() if said.forward is None]
    backward: dict[str, str] = {}
    for said in pair.said.values():
        if isinstance(said.backward, str):
            if len(pair.old) > 1:
                raise AuthoringError(
                    f"{where}: 'backward' must name an expression for each of {', '.join(pair.old)}, as a mapping"
                )
            backward[pair.old[0]] = said.backward
        elif said.backward is not None:
            backward.update(said.backward)
    if missing or set(backward) != set(pair.old):
        raise AuthoringError(
            f"{where}: 'from' needs 'forward' at each new column, an SQL expression over {', '.join(pair.old)}, and 'backward' at "
            f"one of them, for {', '.join(pair.old)}"
        )
    forward = {name: said.forward for name, said in pair.said.items()}
    only_forward = next(iter(forward.values())) if len(forward) == 1 else forward
    return only_forward, backward[pair.old[0]] if len(backward) == 1 else backward


def _one(backward: str | Mapping[str, str] | None, old: str) -> str | None:
    return backward.get(old) if isinstance(backward, Mapping) else backward


def _settle(difference: TableDifference, column: sa.Column[Any]) -> None:
    """What the model asks of a derived column, once nothing derives it any more."""
    contract = difference.changes.contract
    if column.server_default is not None:
        contract.add(statements.altered(difference, column, server_default=column.server_default))
    if not column.nullable:
        contract.add(statements.set_not_null(difference, str(column.name)), commits=True)
    if column.comment is not None:
        difference.changes.expand.add(statements.altered(difference, column, comment=column.comment))


def ask_for_renames(
    difference: TableDifference, dropped: Sequence[sa.Column[Any]], added: Sequence[sa.Column[Any]]
) -> None:
    """A column that goes while one of the same kind comes may be a rename, which nobody but the author knows."""
    for old in dropped:
        alike = [
            str(new.name)
            for new in added
            if not intent(new).is_new and new.type._type_affinity is old.type._type_affinity and new.computed is None
        ]
        if not alike:
            continue
        first = alike[0]
        difference.changes.expand.ask(
            f"{difference.at(str(old.name))} goes and {', '.join(alike)} {'comes' if len(alike) == 1 else 'come'}: "
            f"{'is that' if len(alike) == 1 else 'is one of them'} a rename?",
            f'Yes: at {first}, info={{"seachange": {{"renamed_from": "{old.name}"}}}}, or "from" with "forward" and "backward" where\n'
            "values are converted; then delete these revisions and generate them again.\n"
            f'No: {{"renamed_from": None}}, or delete this raise: {first} begins empty, and contract drops {old.name} with its data.',
        )
