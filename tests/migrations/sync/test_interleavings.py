"""Random interleavings of blue's and green's writes: both sides stay in step, nobody fails, no original is lost.

SEACHANGE_EXAMPLES is how many are tried, over all pairs, 200 by default; always the same ones.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.migrations.sync.pairs import PAIRS, Pair
from tests.migrations.sync.shop import Shop
from tests.migrations.sync.writes import Write, run, statement_of, writes

EXAMPLES = int(os.environ.get("SEACHANGE_EXAMPLES", "200"))
UNIQUE_VIOLATION = "23505"


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


def repairs(table: Table) -> dict[int, list[dict[str, str | None]]]:
    """The originals of the entries, by key."""
    cursor = table.sessions[0].execute(
        "SELECT (key ->> 'id')::int, original FROM seachange.repair WHERE sync = %s", [table.sync]
    )
    found: dict[int, list[dict[str, str | None]]] = defaultdict(list)
    for key, original in cursor.fetchall():
        found[key].append(original)
    return found


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
    require_nothing_lost(table, write, before, after)
    # What an upsert takes from `excluded` is what the trigger has made of the proposed row, as of any BEFORE INSERT trigger.
    if failed_without is None and write.kind != "upsert":
        require_what_was_written(table, before, after)


def require_nothing_lost(table: Table, write: Write, before: Image, after: Image) -> None:
    """What was overwritten by a derived value is in the row still, comes back from the other side, or waits for repair."""
    pair, kept = table.pair, repairs(table)
    for key, row in before.items():
        if key not in after or write.kind == "rekey":
            continue
        for own, direction in ((pair.old, "backward"), (pair.new, "forward")):
            original = side(row, own)
            if set(write.values) & set(own) or side(after[key], own) == original or is_null(original):
                continue  # written knowingly, or not at all
            held = derived(table, table.before, key, direction)
            assert held == original or original in kept[key], (write, original, after[key])


def require_what_was_written(table: Table, before: Image, after: Image) -> None:
    """Who writes reads what it has written, as without the trigger; of two sides that disagree the old one waits for repair."""
    pair, kept = table.pair, repairs(table)
    bare = image(table.sessions[0], table.bare, [*pair.old, *pair.new])
    assert after.keys() == bare.keys()
    nothing = dict.fromkeys([*pair.old, *pair.new])
    for key, row in bare.items():
        wrote_new = side(row, pair.new) != side(before.get(key, nothing), pair.new)
        written, found = side(row, pair.old), side(after[key], pair.old)
        if wrote_new:
            assert side(after[key], pair.new) == side(row, pair.new), (row, after[key])
            wrote_old = written != side(before[key], pair.old) if key in before else not is_null(written)
            if wrote_old and written != found and not has_default(table, written):
                assert written in kept[key], (row, after[key])
        else:
            assert written == found, (row, after[key])


def is_null(values: dict[str, str | None]) -> bool:
    return not any(value is not None for value in values.values())


def has_default(table: Table, written: dict[str, str | None]) -> bool:
    """Whether nobody need have written it: it is what a column has without."""
    return written == table.pair.defaults


def require_in_step(table: Table, *, rows_before: bool) -> None:
    in_repair = repairs(table)
    for key, row in image(table.sessions[0], table.name, [*table.pair.old, *table.pair.new]).items():
        new = side(row, table.pair.new)
        if rows_before and is_null(new):
            continue  # not backfilled
        assert derived(table, table.name, key, "forward") == new or key in in_repair, row


@pytest.mark.parametrize("kind", PAIRS)
def test_random_interleavings(mall: Shop, schema: str, kind: str) -> None:
    pair = PAIRS[kind]

    @settings(
        max_examples=max(1, EXAMPLES // len(PAIRS)),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
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
