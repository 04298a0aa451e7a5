"""Random interleavings of blue's and green's writes: both sides stay in step, nobody fails, no original is lost.

SEACHANGE_EXAMPLES is how many are tried, about 200 by default.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.migrations.sync.shop import Shop

EXAMPLES = int(os.environ.get("SEACHANGE_EXAMPLES", "200"))
KEYS = 5
UNIQUE_VIOLATION = "23505"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A pair of column sets, with values that convert, that do not, that come back changed, and that the other side cannot hold."""

    old: dict[str, list[Any]]
    new: dict[str, list[Any]]
    types: dict[str, str]
    forward: dict[str, str] | str
    backward: dict[str, str] | str
    columns: str
    prepare: tuple[str, ...] = ()


SPLIT = """
CREATE OR REPLACE FUNCTION {s}.split(address text, OUT street text, OUT city text, OUT zip text) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF address NOT LIKE '%, %, %' THEN RAISE EXCEPTION 'no parts in %', address; END IF;
    street := split_part(address, ', ', 1); city := split_part(address, ', ', 2); zip := split_part(address, ', ', 3);
END $$
"""
JOINED = """
CREATE OR REPLACE FUNCTION {s}.joined(street text, city text, zip text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE WHEN num_nonnulls(street, city, zip) > 0 THEN concat_ws(', ', street, city, zip) END;
END $$
"""
PAIRS = {
    "one to three": Pair(
        old={"address": [None, "", "1 Road, Town, 12345", "a, b, c", "nowhere", "x, y, z, w"]},
        new={"street": [None, "", "1 Road", "a, b"], "city": [None, "Town", "b"], "zip": [None, "12345", "c"]},
        types={"street": "text", "city": "text", "zip": "varchar(6)"},
        forward="{s}.split(address)",
        backward="{s}.joined(street, city, zip)",
        columns="address text",
        prepare=(SPLIT, JOINED),
    ),
    "two to one": Pair(
        old={"first": [None, "", "Ann", "Mary Ann"], "last": [None, "Lee", "van Dam"]},
        new={"name": [None, "", "Ann Lee", "Ann", "Mary Ann van Dam", "Unspeakable"]},
        types={"name": "text"},
        forward={"name": "first || coalesce(' ' || last, '')"},
        backward={
            "first": "split_part(name, ' ', 1)",
            "last": "nullif(substr(name, length(split_part(name, ' ', 1)) + 2), '')",
        },
        columns="first text, last text CHECK (last <> 'Dam van')",
    ),
    "text to int": Pair(
        old={"amount": [None, "1", "007", "7", "many", "99999999999", ""]},
        new={"cents": [None, 1, 7, 8, -5, 1000]},
        types={"cents": "int"},
        forward={"cents": "amount::int"},
        backward={"amount": "cents::text"},
        columns="amount varchar(3)",
    ),
    "int to text": Pair(
        old={"code": [None, 1, 7, -2]},
        new={"label": [None, "1", "7", "07", "x", "99999999999"]},
        types={"label": "text"},
        forward={"label": "code::text"},
        backward={"code": "label::int"},
        columns="code int NOT NULL DEFAULT 0",
    ),
    "numeric to text": Pair(
        old={"price": [None, "1", "1.0", "1.00", "2.50"]},
        new={"shown": [None, "1", "1.00", "2.5", "dear"]},
        types={"shown": "text"},
        forward={"shown": "price::text"},
        backward={"price": "shown::numeric"},
        columns="price numeric",
    ),
    "json to jsonb": Pair(
        old={"doc": [None, "{}", '{"a":  1}', '{"a":1,"a":2}', "[1]", "null"]},
        new={"document": [None, "{}", '{"a": 1}', "[1, 2]", "null"]},
        types={"document": "jsonb"},
        forward={"document": "doc::jsonb"},
        backward={"doc": "document::json"},
        columns="doc json",
    ),
    "rename": Pair(
        old={"a": [None, "", "x", "y"]},
        new={"b": [None, "", "x", "z"]},
        types={"b": "text"},
        forward={"b": "a"},
        backward={"a": "b"},
        columns="a text",
    ),
}


@dataclass(frozen=True)
class Write:
    """One statement: what it does, to which rows, with which columns."""

    kind: str
    side: str
    keys: tuple[int, ...]
    values: dict[str, Any]
    note: int
    session: int


@dataclass(frozen=True)
class Table:
    """The table of a pair, and one beside it that has the same columns and no trigger."""

    shop: Shop
    schema: str
    pair: Pair
    sync: str
    sessions: list[psycopg.Connection]

    @property
    def name(self) -> str:
        return f"{self.schema}.items"

    @property
    def bare(self) -> str:
        return f"{self.schema}.bare"

    @property
    def before(self) -> str:
        """The rows as they were before a write."""
        return f"{self.schema}.before"


def writes(pair: Pair) -> st.SearchStrategy[list[Write]]:
    def by(columns: dict[str, list[Any]], name: str) -> st.SearchStrategy[Write]:
        some = st.dictionaries(st.sampled_from(sorted(columns)), st.integers(0, 99), min_size=1).map(
            lambda picked: {column: columns[column][number % len(columns[column])] for column, number in picked.items()}
        )
        kinds = st.sampled_from(["insert", "update", "many", "full", "upsert", "copy", "delete", "note", "rekey"])
        keys = st.lists(st.integers(1, KEYS), min_size=1, max_size=3, unique=True).map(tuple)
        return st.builds(Write, kinds, st.just(name), keys, some, st.integers(0, 9), st.integers(0, 1))

    both = {**pair.old, **pair.new}
    return st.lists(st.one_of(by(pair.old, "blue"), by(pair.new, "green"), by(both, "both")), min_size=1, max_size=10)


@contextmanager
def made(mall: Shop, schema: str, pair: Pair) -> Iterator[Table]:
    """The tables of a pair, with its sync."""
    sync = f"{schema} pair"
    mall.make(
        *(statement.replace("{s}", schema) for statement in pair.prepare),
        f"CREATE TABLE {schema}.items (id int PRIMARY KEY, note int, {pair.columns})",
        f"CREATE TABLE {schema}.bare (LIKE {schema}.items INCLUDING ALL)",
        f"ALTER TABLE {schema}.bare " + ", ".join(f"ADD {column} {kind}" for column, kind in pair.types.items()),
        f"CREATE TABLE {schema}.before (LIKE {schema}.bare)",
    )
    forward, backward = (
        given.replace("{s}", schema) if isinstance(given, str) else given for given in (pair.forward, pair.backward)
    )

    def make(op: Any) -> None:
        op.sync_columns(
            "items",
            old=list(pair.old),
            new=pair.types,
            forward=forward,
            backward=backward,
            lossy=True,
            schema=schema,
            name=sync,
        )

    mall.migrate(make)
    with mall.database.connect() as one, mall.database.connect() as two:
        yield Table(mall, schema, pair, sync, [one, two])


def statement_of(write: Write, pair: Pair) -> tuple[str, list[Any]]:
    """The statement, with a place for the table's name."""
    columns, values = list(write.values), list(write.values.values())
    keys = ", ".join(map(str, write.keys))
    marks = ", ".join(["%s"] * len(columns))
    names = ", ".join(columns)
    sets = ", ".join(f"{column} = %s" for column in columns)
    match write.kind:
        case "insert":
            rows = ", ".join(f"({key}, {marks})" for key in write.keys)
            return f"INSERT INTO {{t}} (id, {names}) VALUES {rows}", values * len(write.keys)
        case "update":
            return f"UPDATE {{t}} SET {sets} WHERE id = {write.keys[0]}", values
        case "many":
            return f"UPDATE {{t}} SET {sets} WHERE id IN ({keys})", values
        case "full":
            # An object mapper that knows one side writes all of it back, changed or not.
            known = {"blue": [*pair.old], "green": [*pair.new], "both": [*pair.old, *pair.new]}[write.side]
            [write.values[column] for column in known if column in write.values]
            all_of_it = ", ".join(f"{column} = {'%s' if column in write.values else column}" for column in known)
            return f"UPDATE {{t}} SET note = {write.note}, {all_of_it} WHERE id = {write.keys[0]}", [
                write.values[c] for c in known if c in write.values
            ]
        case "upsert":
            rows = ", ".join(f"({key}, {marks})" for key in write.keys)
            taken = ", ".join(f"{column} = excluded.{column}" for column in columns)
            return (
                f"INSERT INTO {{t}} (id, {names}) VALUES {rows} ON CONFLICT (id) DO UPDATE SET {taken}",
                values * len(write.keys),
            )
        case "delete":
            return f"DELETE FROM {{t}} WHERE id IN ({keys})", []
        case "note":
            return f"UPDATE {{t}} SET note = {write.note} WHERE id IN ({keys})", []
        case "rekey":
            return f"UPDATE {{t}} SET id = {write.keys[-1]} WHERE id = {write.keys[0]}", []
        case _:
            rows = "".join("\t".join([str(key), *(_copied(value) for value in values)]) + "\n" for key in write.keys)
            return f"COPY {{t}} (id, {names}) FROM STDIN", [rows]


def _copied(value: Any) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\")


def run(session: psycopg.Connection, table: str, statement: str, values: list[Any]) -> str | None:
    """Runs it; the SQLSTATE with which it failed."""
    sql = statement.replace("{t}", table)
    try:
        with session.transaction():
            if statement.startswith("COPY"):
                with session.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                    copy.write(values[0])
            else:
                session.execute(sql.encode(), values or None)
    except psycopg.Error as error:
        return error.sqlstate
    return None


Image = dict[int, dict[str, str | None]]


def image(session: psycopg.Connection, table: str, columns: Iterable[str]) -> Image:
    """The rows as text, by key."""
    shown = ", ".join(f"'{column}', {column}::text" for column in columns)
    return dict(session.execute(f"SELECT id, jsonb_build_object({shown}) FROM {table}".encode()).fetchall())


def derived(table: Table, source: str, key: int, direction: str) -> dict[str, str | None] | None:
    """What the author's own expressions make of one side of a row; None where they raise."""
    pair, session = table.pair, table.sessions[0]
    given, wanted = (pair.forward, [*pair.new]) if direction == "forward" else (pair.backward, [*pair.old])
    if isinstance(given, str) and len(wanted) > 1:
        expressions = [f"({given.replace('{s}', table.schema)}).{column}" for column in wanted]
    else:
        expressions = (
            [given.replace("{s}", table.schema)] if isinstance(given, str) else [given[column] for column in wanted]
        )
    shown = ", ".join(
        f"'{column}', ({expression})::text" for column, expression in zip(wanted, expressions, strict=True)
    )
    try:
        with session.transaction():
            cursor = session.execute(f"SELECT jsonb_build_object({shown}) FROM {source} WHERE id = {key}".encode())
            (found,) = cursor.fetchone() or ({},)
    except psycopg.Error:
        return None
    return dict(found)


def side(row: dict[str, str | None], columns: Iterable[str]) -> dict[str, str | None]:
    return {column: row[column] for column in columns}


def repairs(table: Table) -> tuple[set[int], list[dict[str, str | None]]]:
    """Keys and originals of the entries."""
    cursor = table.sessions[0].execute(
        "SELECT (key ->> 'id')::int, original FROM seachange.repair WHERE sync = %s", [table.sync]
    )
    found = cursor.fetchall()
    return {key for key, _ in found}, [original for _, original in found]


def begin(table: Table, *, rows_before: bool) -> None:
    """Empties the tables; with `rows_before` two rows are older than the sync, and no backfill has been there."""
    session = table.sessions[0]
    session.execute(f"DELETE FROM {table.name}".encode())
    session.execute("DELETE FROM seachange.repair WHERE sync = %s", [table.sync])
    if rows_before:
        values = {column: given[2 % len(given)] for column, given in table.pair.old.items()}
        marks = ", ".join(["%s"] * len(values))
        session.execute("SET session_replication_role = replica")
        insert = f"INSERT INTO {table.name} (id, {', '.join(values)}) SELECT i, {marks} FROM generate_series(1, 2) AS i"
        session.execute(insert.encode(), list(values.values()))
        session.execute("SET session_replication_role = origin")


def step(table: Table, write: Write) -> None:
    """One write, first on the table without a trigger, in the same state, then on ours."""
    pair, session = table.pair, table.sessions[write.session]
    columns = ", ".join(["id", "note", *pair.old, *pair.new])
    for copy in (table.bare, table.before):
        session.execute(f"DELETE FROM {copy}".encode())
        session.execute(f"INSERT INTO {copy} ({columns}) SELECT {columns} FROM {table.name}".encode())
    before = image(session, table.name, [*pair.old, *pair.new])
    statement, values = statement_of(write, pair)
    failed_without = run(session, table.bare, statement, values)
    failed = run(session, table.name, statement, values)
    assert failed is None or failed_without is not None, (statement, values)
    after = image(session, table.name, [*pair.old, *pair.new])
    _, kept = repairs(table)
    for key, row in before.items():
        if key not in after or write.kind == "rekey":
            continue
        for own, _other, direction in ((pair.old, pair.new, "backward"), (pair.new, pair.old, "forward")):
            original = side(row, own)
            if (
                set(write.values) & set(own)
                or side(after[key], own) == original
                or not any(v is not None for v in original.values())
            ):
                continue  # written knowingly, or not at all
            held = derived(table, table.before, key, direction)
            assert held == original or original in kept, (statement, values, original, after[key])


def require_in_step(table: Table, *, rows_before: bool) -> None:
    in_repair, _ = repairs(table)
    for key, row in image(table.sessions[0], table.name, [*table.pair.old, *table.pair.new]).items():
        new = side(row, table.pair.new)
        if rows_before and not any(value is not None for value in new.values()):
            continue  # not backfilled
        assert derived(table, table.name, key, "forward") == new or key in in_repair, row


@pytest.mark.parametrize("kind", PAIRS)
def test_random_interleavings(mall: Shop, schema: str, kind: str) -> None:
    pair = PAIRS[kind]
    examples = max(1, EXAMPLES // len(PAIRS))

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(rows_before=st.booleans(), sequence=writes(pair))
    def interleave(rows_before: bool, sequence: list[Write]) -> None:
        begin(table, rows_before=rows_before)
        for write in sequence:
            step(table, write)
            require_in_step(table, rows_before=rows_before)

    with made(mall, schema, pair) as table:
        interleave()


class Writers:
    """Sessions that write at random until they are told to stop; what failed them."""

    def __init__(self, table: Table, kinds: Sequence[str], seed: int) -> None:
        self.table, self.kinds, self.random = table, kinds, Random(seed)
        self.failed: list[str] = []
        self.done = 0

    def write(self, stop: threading.Event) -> None:
        pair = self.table.pair
        with self.table.shop.database.connect() as session:
            while not stop.is_set():
                columns = self.random.choice([pair.old, pair.new])
                values = {column: self.random.choice(given) for column, given in columns.items()}
                keys = tuple(self.random.sample(range(1, 300), 6))
                kind = self.random.choice(self.kinds)
                if kind == "transaction":
                    self._transaction(session, keys, values)
                else:
                    statement, given = statement_of(Write(kind, "", keys[:1], values, 0, 0), pair)
                    self._note(run(session, self.table.name, statement, given))
                stop.wait(0.002)

    def _transaction(self, session: psycopg.Connection, keys: tuple[int, ...], values: dict[str, Any]) -> None:
        """Several rows in random order, all locked until the end."""
        try:
            with session.transaction():
                for key in keys:
                    statement, given = statement_of(Write("update", "", (key,), values, 0, 0), self.table.pair)
                    session.execute(statement.replace("{t}", self.table.name).encode(), given)
        except psycopg.Error as error:
            self._note(error.sqlstate)
        else:
            self._note(None)

    def _note(self, failed: str | None) -> None:
        self.done += 1
        if failed not in (None, UNIQUE_VIOLATION):
            self.failed.append(str(failed))


def test_many_sessions_beside_the_backfill(mall: Shop, schema: str) -> None:
    """No deadlock, though a writer takes its rows in random order; nobody fails; and what the backfill has proven stays true."""
    with made(mall, schema, PAIRS["one to three"]) as table:
        write_beside_the_backfill(table)


def write_beside_the_backfill(table: Table) -> None:
    begin(table, rows_before=False)
    session = table.sessions[0]
    session.execute("SET session_replication_role = replica")
    rows = (
        f"INSERT INTO {table.name} (id, address) SELECT i, i || ' Road, Town, ' || i FROM generate_series(1, 4000) AS i"
    )
    session.execute(rows.encode())
    session.execute("SET session_replication_role = origin")
    stop = threading.Event()
    writers = [Writers(table, ["transaction"], 1), Writers(table, ["update", "upsert", "insert", "delete", "copy"], 2)]
    threads = [threading.Thread(target=writer.write, args=[stop]) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        table.shop.migrate(lambda op: op.backfill("items", sync=table.sync, schema=table.schema))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [writer.failed for writer in writers] == [[], []]
    assert all(writer.done > 20 for writer in writers)
    assert table.shop.divergent(table.sync) == 0
    require_in_step(table, rows_before=False)
