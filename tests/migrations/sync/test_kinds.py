"""Shapes of pairs and of tables: several columns to several, types with modifiers, partitions, keys of every kind, long names."""

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

from seachange_migrations.errors import InvalidRequestError, RefusedError
from seachange_migrations.sync import verify
from tests.migrations.sync.shop import Shop


def test_several_columns_to_several(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, first text, last text)", "INSERT INTO items VALUES (1, 'a', 'b')"
    )
    shop.migrate(
        lambda op: op.sync_columns(
            "items",
            old=["first", "last"],
            new=[sa.Column("family", sa.String(20)), sa.Column("given", sa.Text())],
            forward={"family": "last", "given": "first"},
            backward={"first": "given", "last": "family"},
        )
    )
    shop.sql("INSERT INTO items (id, first, last) VALUES (2, 'c', 'd')")
    shop.sql("INSERT INTO items (id, family, given) VALUES (3, 'e', 'f')")
    assert shop.row("family, given", 2) == ("d", "c")
    assert shop.row("first, last", 3) == ("f", "e")
    shop.migrate(lambda op: op.backfill("items", sync="items_family"))
    assert (shop.row("family, given"), shop.divergent("items_family"), shop.repairs()) == (("b", "a"), 0, [])


@pytest.mark.parametrize(
    ("old_type", "value", "new_type", "forward", "backward"),
    [
        ("numeric", "1.5", "numeric(10,2)", "amount", "v2"),
        ("text", '{"a":  1}', "json", "amount::json", "v2::text"),
        ("text", '{"a": 1}', "jsonb", "amount::jsonb", "v2::text"),
        ("int", "7", "bigint", "amount", "v2::int"),
        ("int", "7", "numeric(12,2)", "amount", "v2::int"),
        ("varchar(5)", "abc", "text", "amount", "v2"),
        ("text", "abc", "char(5)", "amount", "v2::text"),
        ("json", "[1]", "text[]", "ARRAY[amount::text]", "v2[1]::json"),
        ("text", "b", "mood", "CASE amount WHEN 'b' THEN 'b'::mood END", "CASE v2 WHEN 'b' THEN 'b' END"),
        ("float8", "0.1", "float4", "amount::float4", "v2::float8"),
        ("timestamp", "2024-02-03 04:05:06.7", "timestamptz", "amount AT TIME ZONE 'UTC'", "v2 AT TIME ZONE 'UTC'"),
        ("boolean", "true", "int", "amount::int", "v2::boolean"),
        ("bytea", "\\x0102", "text", "encode(amount, 'hex')", "decode(v2, 'hex')"),
    ],
)
def test_types(mall: Shop, schema: str, old_type: str, value: str, new_type: str, forward: str, backward: str) -> None:
    """What the backfill writes, what each release writes, is in step by image, and nothing needs repair twice."""
    mall.make(
        f"CREATE TABLE {schema}.items (id int PRIMARY KEY, amount {old_type})",
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a', 'b'); EXCEPTION WHEN duplicate_object THEN END $$",
    )
    mall.sql(f"INSERT INTO {schema}.items VALUES (1, %s), (2, NULL)", [value])
    name = f"{schema}_v2"

    def make(op: Operations) -> None:
        new = {"v2": new_type}
        op.sync_columns(
            "items", old="amount", new=new, forward=forward, backward=backward, lossy=True, schema=schema, name=name
        )

    mall.migrate(make)
    mall.sql(f"INSERT INTO {schema}.items (id, amount) VALUES (3, %s)", [value])
    mall.sql(f"INSERT INTO {schema}.items (id, v2) SELECT 4, v2 FROM {schema}.items WHERE id = 3")
    mall.sql(f"UPDATE {schema}.items SET amount = (SELECT amount FROM {schema}.items WHERE id = 4) WHERE id = 2")
    mall.migrate(lambda op: op.backfill("items", sync=name, schema=schema))
    values = mall.sql(f"SELECT DISTINCT v2::text FROM {schema}.items")
    assert len(values) == 1
    assert values[0][0] is not None
    assert mall.divergent(name) == 0
    assert mall.sql("SELECT count(*) FROM seachange.repair WHERE sync = %s", [name]) == [(0,)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bigint", "1"),
        ("uuid", "5f0c954e-7d1f-4b3e-9d3a-000000000001"),
        ("timestamptz", "2024-02-03 04:05:06+02"),
        ("float8", "0.1"),
        ("bytea", "\\x0102"),
        ("interval", "1 day 02:00"),
        ("varchar(9)", "it's"),
    ],
)
def test_keys(mall: Shop, schema: str, key: str, value: str) -> None:
    """An entry finds its row whatever the settings of the sessions that wrote and that ask."""
    mall.make(f"CREATE TABLE {schema}.items (id {key}, part int, amount text, PRIMARY KEY (id, part))")
    name = f"{schema}_cents"

    def make(op: Operations) -> None:
        op.sync_columns(
            "items",
            old="amount",
            new={"cents": "int"},
            forward="amount::int",
            backward="cents::text",
            lossy=True,
            schema=schema,
            name=name,
        )

    mall.migrate(make)
    with mall.database.connect() as connection:
        connection.execute("SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET bytea_output = 'escape'")
        connection.execute("SET IntervalStyle = 'iso_8601'; SET extra_float_digits = -10")
        connection.execute(f"INSERT INTO {schema}.items VALUES (%s, 1, 'many')".encode(), [value])
    assert mall.divergent(name) == 0
    assert mall.sql("SELECT count(*) FROM seachange.repair WHERE sync = %s", [name]) == [(1,)]


def test_partitions(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int, amount text, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part)",
        "CREATE TABLE items_1 PARTITION OF items FOR VALUES IN (1)",
        "CREATE TABLE items_2 PARTITION OF items FOR VALUES IN (2)",
        "INSERT INTO items VALUES (1, '5', 1), (2, '6', 2)",
    )
    shop.migrate(
        lambda op: op.change_type("items", "amount", "cents", "int", forward="amount::int", backward="cents::text")
    )
    shop.sql("INSERT INTO items_2 (id, amount, part) VALUES (3, '7', 2)")
    shop.sql("UPDATE items SET cents = 9, part = 1 WHERE id = 3")
    shop.make("CREATE TABLE items_3 PARTITION OF items FOR VALUES IN (3)")
    shop.sql("INSERT INTO items_3 (id, amount, part) VALUES (4, '8', 3)")
    shop.migrate(lambda op: op.backfill("items", sync="items_cents"))
    assert shop.sql("SELECT amount, cents FROM items ORDER BY id") == [("5", 5), ("6", 6), ("9", 9), ("8", 8)]
    shop.migrate(lambda op: op.drop_synced("items", sync="items_cents"), revision="c1")
    assert shop.sql("SELECT * FROM items_2") == [(2, 2, 6)]


def test_long_and_strange_names(shop: Shop) -> None:
    table, old, new = 'Großer "Tisch": 100% ' + "x" * 38, "select", "a.b:c'd\\e " + "y" * 50
    quoted = '"' + table.replace('"', '""') + '"'
    shop.make(f'CREATE TABLE {quoted} ("Id" int PRIMARY KEY, "select" text)', f"INSERT INTO {quoted} VALUES (1, 'a')")
    shop.migrate(lambda op: op.rename_column(table, old, new, type_=sa.Text()))
    shop.sql(f'INSERT INTO {quoted} ("Id", "select") VALUES (2, %s)'.replace("100%", "100%%"), ["b"])
    shop.migrate(lambda op: op.backfill(table, sync=f"{table}_{new}"))
    shop.migrate(lambda op: op.drop_synced(table, sync=f"{table}_{new}"), revision="c1")
    assert shop.sql(f"SELECT * FROM {quoted} ORDER BY 1") == [(1, "a"), (2, "b")]
    assert shop.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'seachange'::regnamespace") == [(0,)]


def test_two_syncs_beside_each_other(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, a text, b text)", "INSERT INTO items VALUES (1, 'a', 'b')")
    shop.migrate(
        lambda op: (
            op.rename_column("items", "a", "c", type_="text"),
            op.rename_column("items", "b", "d", type_="text"),
        )
    )
    shop.sql("UPDATE items SET a = 'x', d = 'y' WHERE id = 1")
    assert shop.row("a, b, c, d") == ("x", "y", "x", "y")


def test_lossless_is_asked_of_real_rows(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items VALUES (1, '5'), (2, 'secret 7'), (3, NULL)",
    )

    def change(op: Operations) -> None:
        op.change_type("items", "amount", "cents", "int", forward="amount::int", backward="cents::text")

    with pytest.raises(RefusedError, match=r'declared lossless, but the row \{"id": "2"\}.*lossy=True') as refused:
        shop.migrate(change)
    assert "secret" not in str(refused.value)
    shop.sql("UPDATE items SET amount = '7' WHERE id = 2")
    shop.migrate(change)
    assert {"event": "round_trip_verified", "sync": "items_cents", "rows": 3} in shop.events


def test_a_large_table_is_sampled(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items SELECT i, i::text || repeat('0', 200) FROM generate_series(1, 60000) AS i",
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "numeric", forward="amount::numeric", backward="cents::text"
        )
    )
    (event,) = [event for event in shop.events if event["event"] == "round_trip_verified"]
    assert 1000 < event["rows"] <= 10_000


def test_column_grants_reach_the_new_columns(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, a text)", "INSERT INTO items VALUES (1, 'a')")
    role = f"{shop.database.name}_reader"
    shop.sql(f"CREATE ROLE {role}; GRANT SELECT (id, a), UPDATE (a) ON items TO {role}")
    shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text"))
    assert shop.sql(
        f"SELECT has_column_privilege('{role}', 'items', 'b', 'SELECT'), has_column_privilege('{role}', 'items', 'b', 'UPDATE'),"
        f" has_column_privilege('{role}', 'items', 'b', 'INSERT')"
    ) == [(True, True, False)]


def test_triggers_that_will_not_fire_are_told(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, a text)",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER audit AFTER UPDATE OF a ON items FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER every AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION touch()",
    )
    shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text"))
    told = {
        "event": "trigger_does_not_fire",
        "sync": "items_b",
        "trigger": '"audit" on public.items, for UPDATE OF an old column',
    }
    assert [event for event in shop.events if event["event"] == told["event"]] == [told]
    shop.make(
        "DROP TRIGGER audit ON items", "CREATE TRIGGER audit AFTER UPDATE OF a, b ON items EXECUTE FUNCTION touch()"
    )
    with shop.connection() as connection:
        assert verify(connection) == []


def test_run_again_it_finds_itself(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, a text)")
    for _ in range(2):
        shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text"))
    with pytest.raises(RefusedError, match="has a column b already"):
        shop.migrate(lambda op: op.change_type("items", "a", "b", "text", forward="a", backward="b", lossy=True))


def test_columns_and_trigger_come_together_or_not_at_all(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, a text)")

    def change(op: Operations) -> None:
        with op.get_context().autocommit_block():
            op.rename_column("items", "a", "b", type_="text")

    with pytest.raises(InvalidRequestError, match="outside of autocommit_block"):
        shop.migrate(change)


def test_the_busy_table_is_not_waited_for_in_plain_alembic(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, a text)")
    with shop.database.connect() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("SELECT FROM items")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text"))
    assert shop.sql("SELECT count(*) FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'b'") == [(0,)]
