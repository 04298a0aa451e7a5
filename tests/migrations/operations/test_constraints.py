"""NOT NULL, unique and foreign keys: what they arrive at, what they tell, and where they are refused."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from seachange_migrations.errors import InvalidRequestError, RefusedError
from tests.migrations.sync.shop import Shop

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "set_not_null": lambda op: op.set_not_null("items", "amount"),
    "add_unique": lambda op: op.add_unique("items_amount_key", "items", ["amount"]),
    "add_foreign_key": lambda op: op.add_foreign_key(
        "items_amount_fkey", "items", "known", ["amount"], ["code"], ondelete="CASCADE", onupdate="RESTRICT"
    ),
}
WANTED: dict[str, list[tuple[Any, ...]]] = {
    "set_not_null": [(True,)],
    "add_unique": [("UNIQUE (amount)", True)],
    "add_foreign_key": [("FOREIGN KEY (amount) REFERENCES known(code) ON UPDATE RESTRICT ON DELETE CASCADE", True)],
}


def found(shop: Shop, name: str) -> list[tuple[Any, ...]]:
    if name == "set_not_null":
        return shop.sql("SELECT attnotnull FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'amount'")
    return shop.sql(
        "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype IN ('u', 'f')"
    )


def leftovers(shop: Shop) -> list[tuple[Any, ...]]:
    # Before PostgreSQL 18 the part of a foreign key for each partition of its referent does not learn that it was validated.
    return shop.sql(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'items'::regclass AND conparentid = 0"
        " AND (contype = 'c' OR NOT convalidated)"
        " UNION ALL SELECT indexrelid::regclass::name FROM pg_index WHERE NOT indisvalid"
    )


@pytest.fixture
def items(shop: Shop) -> Shop:
    shop.make(
        "CREATE TABLE known (code text PRIMARY KEY)",
        "INSERT INTO known VALUES ('a'), ('b')",
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items VALUES (1, 'a'), (2, 'b')",
    )
    return shop


@pytest.mark.parametrize("name", OPERATIONS)
def test_it_arrives_and_runs_again(items: Shop, name: str) -> None:
    for _ in range(2):
        items.migrate(OPERATIONS[name])
        assert found(items, name) == WANTED[name]
        assert leftovers(items) == []


BROKEN = {
    "set_not_null": ("UPDATE items SET amount = NULL WHERE id = 1", "is NULL in some rows.*op.backfill"),
    "add_unique": ("UPDATE items SET amount = 'a'", "rows with the same amount"),
    "add_foreign_key": ("UPDATE items SET amount = 'secret' WHERE id = 1", "refer to nothing in known"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_rows_that_break_it_are_told_and_nothing_is_left(items: Shop, name: str) -> None:
    statement, message = BROKEN[name]
    items.sql(statement)
    with pytest.raises(RefusedError, match=message) as refused:
        items.migrate(OPERATIONS[name])
    assert "secret" not in str(refused.value)
    assert leftovers(items) == []
    assert found(items, name) != WANTED[name]


@pytest.mark.parametrize("name", ["set_not_null", "add_foreign_key"])
def test_it_gives_way_to_a_transaction_that_holds_the_table(items: Shop, name: str) -> None:
    with items.database.connect() as reader, items.database.connect() as writer:
        reader.execute("BEGIN")
        reader.execute("LOCK TABLE items IN ROW EXCLUSIVE MODE")
        with pytest.raises(sa.exc.OperationalError, match=r"lock timeout"):
            items.migrate(OPERATIONS[name])
        writer.execute("SET statement_timeout = '1s'")
        writer.execute("UPDATE items SET amount = amount")


def test_a_unique_index_waits_for_that_transaction_and_nobody_for_the_index(items: Shop) -> None:
    thread = threading.Thread(target=items.migrate, args=[OPERATIONS["add_unique"]])
    with items.database.connect() as reader, items.database.connect() as writer:
        reader.execute("BEGIN")
        reader.execute("LOCK TABLE items IN ROW EXCLUSIVE MODE")
        thread.start()
        while items.sql("SELECT count(*) FROM pg_stat_progress_create_index WHERE lockers_total > lockers_done") == [
            (0,)
        ]:
            assert thread.is_alive()
        writer.execute("SET statement_timeout = '1s'")
        writer.execute("UPDATE items SET amount = amount")
        reader.execute("COMMIT")
        thread.join()
    assert found(items, "add_unique") == WANTED["add_unique"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_not_while_a_trigger_derives_the_column(items: Shop, name: str) -> None:
    items.migrate(lambda op: op.rename_column("items", "amount", "sum", type_="text"))
    with pytest.raises(
        RefusedError, match=r"could fail writers while sync items_sum.*op.drop_synced\('items', sync='items_sum'\)"
    ):
        items.migrate(OPERATIONS[name])


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_table_that_is_not_there(shop: Shop, name: str) -> None:
    with pytest.raises(RefusedError, match=r"there is no table items"):
        shop.migrate(OPERATIONS[name])


def test_another_constraint_of_that_name(items: Shop) -> None:
    items.make(
        "ALTER TABLE items ADD CONSTRAINT items_amount_fkey CHECK (id > 0)",
        "CREATE INDEX items_amount_key ON items (id)",
    )
    for name in ("add_unique", "add_foreign_key"):
        with pytest.raises(RefusedError, match=r"another name"):
            items.migrate(OPERATIONS[name])


def test_an_invalid_index_is_built_anew(items: Shop) -> None:
    items.sql("UPDATE items SET amount = 'a'")
    with pytest.raises(Exception, match=r"could not create unique index"):
        items.sql("CREATE UNIQUE INDEX CONCURRENTLY items_amount_key ON items (amount)")
    items.sql("UPDATE items SET amount = id")
    items.migrate(OPERATIONS["add_unique"])
    assert (found(items, "add_unique"), leftovers(items)) == (WANTED["add_unique"], [])


def test_a_not_null_of_postgresql_18_that_is_not_valid(items: Shop) -> None:
    if items.sql("SELECT current_setting('server_version_num')::int < 180000") == [(True,)]:
        pytest.skip("PostgreSQL 18 and later have it")
    items.make("ALTER TABLE items ADD CONSTRAINT later NOT NULL amount NOT VALID")
    items.migrate(OPERATIONS["set_not_null"])
    assert items.sql(
        "SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'items'::regclass AND conname = 'later'"
    ) == [("later", True)]


def test_partitioned_tables(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE known (code text PRIMARY KEY)",
        "CREATE TABLE items (id int PRIMARY KEY, amount text) PARTITION BY RANGE (id)",
        "CREATE TABLE items_1 PARTITION OF items DEFAULT",
        "INSERT INTO known VALUES ('a')",
        "INSERT INTO items VALUES (1, 'a')",
    )
    shop.migrate(OPERATIONS["set_not_null"])
    assert found(shop, "set_not_null") == [(True,)]
    with pytest.raises(RefusedError, match=r"is partitioned.*ON ONLY"):
        shop.migrate(OPERATIONS["add_unique"])
    if shop.sql("SELECT current_setting('server_version_num')::int < 180000") == [(True,)]:
        with pytest.raises(RefusedError, match=r"partitioned, and before PostgreSQL 18"):
            shop.migrate(OPERATIONS["add_foreign_key"])
    else:
        shop.migrate(OPERATIONS["add_foreign_key"])
        assert found(shop, "add_foreign_key") == WANTED["add_foreign_key"]


def test_a_partitioned_referent(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE known (code text PRIMARY KEY) PARTITION BY LIST (code)",
        "CREATE TABLE known_a PARTITION OF known FOR VALUES IN ('a')",
        "CREATE TABLE known_rest PARTITION OF known DEFAULT",
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO known VALUES ('a'), ('b')",
        "INSERT INTO items VALUES (1, 'a'), (2, 'b')",
    )
    for _ in range(2):
        shop.migrate(OPERATIONS["add_foreign_key"])
        assert WANTED["add_foreign_key"][0] in found(shop, "add_foreign_key")
        assert leftovers(shop) == []
    with pytest.raises(Exception, match=r"violates foreign key"):
        shop.sql("INSERT INTO items VALUES (3, 'c')")


def test_a_partitioned_referent_that_rows_do_not_find(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE known (code text PRIMARY KEY) PARTITION BY LIST (code)",
        "CREATE TABLE known_rest PARTITION OF known DEFAULT",
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items VALUES (1, 'a')",
    )
    with pytest.raises(RefusedError, match=r"refer to nothing in known"):
        shop.migrate(OPERATIONS["add_foreign_key"])
    assert (found(shop, "add_foreign_key"), leftovers(shop)) == ([], [])


def test_another_schema(shop: Shop) -> None:
    shop.make(
        "CREATE SCHEMA s",
        "CREATE TABLE s.items (id int PRIMARY KEY, amount text)",
        "CREATE TABLE s.known (code text PRIMARY KEY)",
    )
    shop.migrate(lambda op: op.set_not_null("items", "amount", schema="s"))
    shop.migrate(lambda op: op.add_unique("once", "items", ["amount"], schema="s"))
    shop.migrate(
        lambda op: op.add_foreign_key("known", "items", "known", ["amount"], ["code"], schema="s", referent_schema="s")
    )
    assert shop.sql(
        "SELECT count(*) FROM pg_constraint WHERE conrelid = 's.items'::regclass AND conname IN ('once', 'known')"
    ) == [(2,)]


def test_an_env_that_begins_its_own_transaction_is_told(items: Shop) -> None:
    with (
        items.connection() as connection,
        connection.begin(),
        Operations.context(MigrationContext.configure(connection)) as op,
        pytest.raises(InvalidRequestError, match=r"let Alembic begin it"),
    ):
        OPERATIONS["set_not_null"](op)
