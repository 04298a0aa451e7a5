"""Makes a sync: what may take its time first, then, in the shortest lock, columns and trigger together."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from seachange_migrations.errors import RefusedError, one_line
from seachange_migrations.failures import passes
from seachange_migrations.sql import literal, quoted, quoted_all, verbatim
from seachange_migrations.sync import guards, names
from seachange_migrations.sync.conversion import Expressions, build, calling, require_pure
from seachange_migrations.sync.functions import functions
from seachange_migrations.sync.refuse import problems
from seachange_migrations.sync.shortcut import shortcut
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.store import registered
from seachange_migrations.sync.table import Column, Table, columns

PROBE = 'pg_temp."~seachange_probe"'


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A sync as its author asks for it; `new` is column to type, as SQL writes it."""

    name: str
    table: str
    schema: str | None
    old: Sequence[str]
    new: Mapping[str, str]
    forward: Expressions
    backward: Expressions
    lossy: bool
    publications: Sequence[str]


def stands(connection: Connection, wanted: Wanted) -> bool:
    """Whether this very sync is there: its revision committed, then died in a later statement, and runs again."""
    for sync in registered(connection):
        if sync.name == wanted.name and sync.table == wanted.table and wanted.schema in (None, sync.schema):
            return (sync.old, sync.new, sync.lossy) == (tuple(wanted.old), tuple(wanted.new), wanted.lossy)
    return False


def prepare(connection: Connection, wanted: Wanted) -> Sync:
    """Reads the table, refuses what no trigger could promise, and has PostgreSQL judge the conversions. Changes nothing."""
    table = Table.read(connection, wanted.table, wanted.schema)
    _require_columns(table, wanted)
    for problem in problems(
        connection,
        table,
        name=wanted.name,
        trigger=names.trigger(wanted.name),
        old=wanted.old,
        new=list(wanted.new),
        lossy=wanted.lossy,
        publications=wanted.publications,
    ):
        raise RefusedError(problem)
    old = [table.columns[name] for name in wanted.old]
    connection.execute(
        verbatim(
            f"CREATE TEMPORARY TABLE {PROBE} ON COMMIT DROP AS SELECT {quoted_all(wanted.old)} FROM {table.qualified} WITH NO DATA"
        )
    )
    new = _new_columns(connection, table, wanted)
    forward = build(wanted.name, "forward", old, new, wanted.forward)
    backward = build(wanted.name, "backward", new, old, wanted.backward)
    asked = guards.read(connection, table, wanted.old)
    if asked.tests or not backward.is_identity:
        _require_room(table, old)
    for conversion in (forward, backward):
        require_pure(connection, PROBE, conversion)
    connection.execute(verbatim(f"DROP TABLE {PROBE}"))
    return Sync(
        name=wanted.name,
        table=table,
        forward=calling(connection, forward),
        backward=calling(connection, backward),
        lossy=wanted.lossy,
        guards=asked,
    )


def make_functions(execute: Callable[[str], None], sync: Sync) -> None:
    """Makes the functions, which lock nothing that others use. Raises RefusedError where PostgreSQL cannot."""
    try:
        for statement in functions(sync):
            execute(statement)
    except DBAPIError as error:
        if passes(error):
            raise
        raise RefusedError(
            f"sync {sync.name}: its functions cannot be made: {one_line(error.orig or error, 300)}. A conversion is an expression over the "
            "columns of the other side alone"
        ) from error


def register(execute: Callable[[str], None], sync: Sync, revision: str) -> None:
    """Writes the sync into the registry."""
    arrays = ", ".join(
        f"ARRAY[{', '.join(map(literal, names_))}]::text[]"
        for names_ in (sync.table.key, [column.name for column in sync.old], [column.name for column in sync.new])
    )
    execute(f"DELETE FROM seachange.sync WHERE name = {literal(sync.name)} AND dropped_at IS NOT NULL")
    execute(
        "INSERT INTO seachange.sync (name, schema_name, table_name, key_columns, old_columns, new_columns, lossy, shortcut, revision) VALUES ("
        f"{literal(sync.name)}, {literal(sync.table.schema)}, {literal(sync.table.name)}, {arrays}, "
        f"{'true' if sync.lossy else 'false'}, {literal(json.dumps(shortcut(sync)))}::jsonb, {literal(revision)})"
    )


def _require_columns(table: Table, wanted: Wanted) -> None:
    if missing := [name for name in wanted.old if name not in table.columns]:
        raise RefusedError(f"{table.shown} has no column {', '.join(missing)}: correct the names in old=")
    if present := [name for name in wanted.new if name in table.columns]:
        raise RefusedError(
            f"{table.shown} has a column {', '.join(present)} already, and what stands there would not be in step: take another name; "
            "op.sync_columns adds the column itself"
        )


def _require_room(table: Table, old: list[Column]) -> None:
    """An UPDATE whose new value the old side cannot hold leaves that as it is; an INSERT has nothing to leave."""
    if strict := [column.name for column in old if column.refuses_null and not column.has_default]:
        raise RefusedError(
            f"{table.shown}.{', '.join(strict)} is NOT NULL without a default, and a row that is inserted with a new value which does not "
            "convert back, or which a constraint of the old side refuses, would fail its writer: drop NOT NULL before this operation "
            f"(op.alter_column({table.name!r}, {strict[0]!r}, nullable=True)), or give it the default that the serving release reads then"
        )


def _new_columns(connection: Connection, table: Table, wanted: Wanted) -> list[Column]:
    """What PostgreSQL makes of the new columns' types."""
    added = ", ".join(f"ADD COLUMN {quoted(name)} {type_}" for name, type_ in wanted.new.items())
    oid = connection.scalar(verbatim(f"SELECT {literal(PROBE)}::regclass::oid"))
    try:
        with connection.begin_nested():
            connection.execute(verbatim(f"ALTER TABLE {PROBE} {added}"))
        found = columns(connection, int(oid or 0))
        for name in wanted.new:
            if found[name].default is not None or found[name].not_null:
                raise RefusedError(
                    f"{table.shown}.{name} would be NOT NULL or have a default, as {wanted.new[name]!r} says: while both releases write, a "
                    "new column is nullable and has no default. Set them in the contract revision, after op.drop_synced"
                )
            with connection.begin_nested():
                connection.execute(verbatim(f"SELECT CAST(NULL AS {found[name].type})"))
    except DBAPIError as error:
        if passes(error):
            raise
        raise RefusedError(
            f"{table.shown} cannot have the new columns {', '.join(wanted.new)}: {one_line(error.orig or error, 300)}. Each has a type "
            "alone, which accepts NULL"
        ) from error
    return [found[name] for name in wanted.new]
