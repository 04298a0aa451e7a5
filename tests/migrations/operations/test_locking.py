"""What the operations lock, for how long they wait, and which of their statements read the table: as PostgreSQL tells."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.migrations.sync.shop import Shop

LOCKS = """
SELECT c.relname, array_agg(l.mode ORDER BY l.mode) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = %s AND c.relname IN ('items', 'known') AND l.granted GROUP BY c.relname
"""
READER = {"AccessShareLock", "RowShareLock"}
"""What the operation's own look at the catalog, and a key's at its referent, may hold: nobody waits for these."""


@dataclass
class Seen:
    """A statement that changes the schema: what was locked after it beyond a reader's locks, what the server told, its lock_timeout."""

    statement: str
    locks: dict[str, list[str]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    lock_timeout: str = ""


@contextmanager
def watching(shop: Shop) -> Iterator[list[Seen]]:
    found: list[Seen] = []

    def before(_: sa.Connection, cursor: Any, statement: str, *__: Any) -> None:
        if not statement.startswith(("ALTER", "CREATE", "DROP")):
            return
        seen = Seen(statement)
        session: psycopg.Connection = cursor.connection
        if not found:
            session.execute("SET client_min_messages = debug1")
        session.add_notice_handler(lambda told: found[-1].told.append(str(told.message_primary)))
        row = session.execute("SELECT current_setting('lock_timeout')").fetchone()
        seen.lock_timeout = str(row[0]) if row else ""
        found.append(seen)

    def after(_: sa.Connection, cursor: Any, statement: str, *__: Any) -> None:
        if found and statement == found[-1].statement:
            locked = shop.sql(LOCKS, [cursor.connection.info.backend_pid])
            found[-1].locks = {table: sorted(set(modes) - READER) for table, modes in locked if set(modes) - READER}

    listeners: dict[str, Callable[..., None]] = {"before_cursor_execute": before, "after_cursor_execute": after}
    for name, listener in listeners.items():
        event.listen(sa.Engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in listeners.items():
            event.remove(sa.Engine, name, listener)


@pytest.fixture
def items(shop: Shop) -> Shop:
    shop.make(
        "CREATE TABLE known (code text PRIMARY KEY)",
        "INSERT INTO known SELECT i::text FROM generate_series(1, 9) AS i",
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items SELECT i, i::text FROM generate_series(1, 9) AS i",
    )
    return shop


def reads(seen: Seen) -> bool:
    """Whether it read the table to see what its rows hold."""
    return any(
        told.startswith(("verifying table", "validating foreign key", "building index", "rewriting"))
        for told in seen.told
    )


def test_not_null_reads_the_table_only_where_others_write(items: Shop) -> None:
    with watching(items) as found:
        items.migrate(lambda op: op.set_not_null("items", "amount"))
    add, validate, set_, drop = found
    assert [reads(seen) for seen in found] == [False, True, False, False]
    assert (add.locks, validate.locks) == ({"items": ["AccessExclusiveLock"]}, {"items": ["ShareUpdateExclusiveLock"]})
    assert (set_.locks, drop.locks) == ({"items": ["AccessExclusiveLock"]},) * 2
    assert any("existing constraints on column" in told and "are sufficient" in told for told in set_.told), set_.told


def test_unique_is_built_while_others_write(items: Shop) -> None:
    with watching(items) as found:
        items.migrate(lambda op: op.add_unique("once", "items", ["amount"]))
    create, use = found
    assert create.statement.startswith("CREATE UNIQUE INDEX CONCURRENTLY")
    assert (reads(use), use.locks) == (False, {"items": ["AccessExclusiveLock"]})


def test_a_foreign_key_is_validated_while_others_write(items: Shop) -> None:
    with watching(items) as found:
        items.migrate(lambda op: op.add_foreign_key("known", "items", "known", ["amount"], ["code"]))
    add, validate = found
    assert [reads(seen) for seen in found] == [False, True]
    assert add.locks == {"items": ["ShareRowExclusiveLock"], "known": ["ShareRowExclusiveLock"]}
    assert validate.locks == {"items": ["ShareUpdateExclusiveLock"]}


OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "set_not_null": lambda op: op.set_not_null("items", "amount"),
    "add_unique": lambda op: op.add_unique("once", "items", ["amount"]),
    "add_foreign_key": lambda op: op.add_foreign_key("known", "items", "known", ["amount"], ["code"]),
    "rename_column": lambda op: op.rename_column("items", "amount", "sum", type_="text"),
    "change_type": lambda op: op.change_type(
        "items", "amount", "cents", "int", forward="amount::int", backward="cents::text"
    ),
}


def locking(found: list[Seen]) -> list[Seen]:
    return [seen for seen in found if seen.locks and "CONCURRENTLY" not in seen.statement]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("before", "wanted"), [("0", "2s"), ("'300ms'", "300ms")])
def test_whoever_locks_gives_way_after_a_while(items: Shop, name: str, before: str, wanted: str) -> None:
    """Where nobody has set a lock_timeout, the operation sets its own; what somebody has set stays, and is there again after it."""

    def body(op: Any) -> None:
        op.execute(f"SET lock_timeout = {before}")
        OPERATIONS[name](op)
        (left,) = op.get_bind().execute(sa.text("SELECT current_setting('lock_timeout')")).one()
        assert left == before.strip("'")

    with watching(items) as found:
        items.migrate(body)
    assert {seen.lock_timeout for seen in locking(found)} == {wanted}
    assert {seen.lock_timeout for seen in found if "CONCURRENTLY" in seen.statement} <= {"0"}
