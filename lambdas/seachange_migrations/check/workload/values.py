"""Values for the parameters of a statement: from sampled rows, once as they are and once with keys that are new."""

import uuid
from collections.abc import Iterator, Mapping, Sequence

from psycopg.postgres import types

from seachange_migrations.check.workload.model import Values
from seachange_migrations.check.workload.parameters import Target, Use
from seachange_migrations.check.workload.seeds import Row
from seachange_migrations.check.workload.tables import Column, Tables

ROWS = 8

# A value that each of PostgreSQL's own types takes.
_EXAMPLES = (
    ("1", "int2 int4 int8 float4 float8 numeric oid money bit varbit"),
    ("a", 'text varchar bpchar "char" name tsquery'),
    ("true", "bool"),
    ("{}", "json jsonb"),
    ("2024-01-01", "date timestamp timestamptz"),
    ("00:00+00", "time timetz"),
    ("1 day", "interval"),
    ("00000000-0000-4000-8000-000000000001", "uuid"),
    ("127.0.0.1", "inet cidr"),
    ("00:00:00:00:00:01", "macaddr"),
    ("", "bytea tsvector xml"),
    ("$", "jsonpath"),
)
BY_TYPE: Mapping[int, str] = {types[name].oid: value for value, names in _EXAMPLES for name in names.split()}
TEXTS = frozenset(types[name].oid for name in ("text", "varchar", "bpchar", '"char"', "name"))
NUMBERS = frozenset(types[name].oid for name in ("int2", "int4", "int8", "float4", "float8", "numeric"))
TIMES = frozenset(types[name].oid for name in ("date", "timestamp", "timestamptz"))
UUID = types["uuid"].oid
WIDEST = {types["int2"].oid: 2**15 - 1, types["int4"].oid: 2**31 - 1}


def values(
    parameters: Sequence[int],
    targets: Mapping[int, Target],
    tables: Tables,
    rows: Mapping[str, Sequence[Row]],
    *,
    writes: str,
) -> Iterator[Values]:
    """Values for `parameters` of these types; `writes` is the key of the table that the statement inserts into or updates."""
    if not parameters:
        yield ()
        return
    named = [target.table for target in targets.values() if target.table]
    # What is written to decides which row it is; the others' rows go along by number.
    most = max((len(rows.get(key, ())) for key in named), default=0)
    for number in range(min(max(most, 1), ROWS)):
        chosen = {key: rows[key][number % len(rows[key])] for key in named if rows.get(key)}
        yield _bound(parameters, targets, tables, chosen, fresh="", salt=number)
        if writes:
            yield _bound(parameters, targets, tables, chosen, fresh=writes, salt=number)


def _bound(
    parameters: Sequence[int],
    targets: Mapping[int, Target],
    tables: Tables,
    chosen: Mapping[str, Row],
    *,
    fresh: str,
    salt: int,
) -> Values:
    unique = _own_keys(tables, fresh) if fresh else set()
    bound: list[str | None] = []
    for place, type_ in enumerate(parameters, 1):
        target = targets.get(place)
        if target is None:
            bound.append(BY_TYPE.get(type_, "{}"))
        elif target.use in (Use.LIMIT, Use.OFFSET):
            bound.append("10" if target.use is Use.LIMIT else "0")
        else:
            column = tables.by_key[target.table].columns.get(target.column)
            row = chosen.get(target.table)
            # Of an empty table nothing is known but its columns' types.
            value = row.get(target.column) if row else BY_TYPE.get(column.oid) if column else None
            if target.table == fresh and target.column in unique and column is not None:
                value = _fresh(value, column, salt)
            bound.append(_as(type_, value, column, target.use))
    return tuple(bound)


def _own_keys(tables: Tables, key: str) -> set[str]:
    """The columns that make a row unique, without those that refer to other rows: no other value would be found there."""
    table = tables.by_key[key]
    referring = {name for reference in table.references for name in reference.columns}
    return {name for columns in table.keys for name in columns} - referring


def _fresh(value: str | None, column: Column, salt: int) -> str | None:
    new = uuid.uuid4()
    if column.oid == UUID:
        return str(new)
    if column.oid in NUMBERS:
        widest = WIDEST.get(column.oid, 2**40)
        return str(widest - new.int % (widest // 4) - salt)
    if column.oid in TEXTS:
        whole = f"{new.hex[:12]}{value or ''}"
        # The modifier of a varchar(n) is n + 4.
        return whole[: column.modifier - 4] if column.modifier > 4 else whole
    if column.oid in TIMES:
        return f"{3000 + new.int % 5000}-{1 + salt % 12:02}-{1 + new.int % 28:02}"
    return value


def _as(type_: int, value: str | None, column: Column | None, use: Use) -> str | None:
    """The column's value for a parameter of `type_`, which an expression around it may have made another than the column's."""
    if value is None:
        # A column without a value says nothing about what the service sends; NULL is what it would have sent.
        return None if use is Use.VALUE else "{}"
    if use is Use.ARRAY:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{{"{quoted}"}}'
    same = column is not None and (column.oid == type_ or column.oid not in BY_TYPE or type_ not in BY_TYPE)
    alike = column is not None and column.oid in NUMBERS and type_ in NUMBERS
    if same or alike or type_ in TEXTS or type_ == 0:
        return value
    return BY_TYPE.get(type_, value)
