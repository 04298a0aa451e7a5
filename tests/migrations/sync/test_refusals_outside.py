"""What a sync refuses for the sake of what lies around its table: publications, subscriptions, roles, other kinds of tables."""

import pytest

from seachange_migrations.errors import MigrationError, RefusedError
from tests.migrations.sync.shop import Shop
from tests.migrations.sync.test_refusals import TABLE, sync


def test_a_publication_must_be_named(mall: Shop, schema: str) -> None:
    mall.make(TABLE.format(s=schema))
    mall.sql(f"CREATE PUBLICATION p1 FOR TABLE {schema}.items; CREATE PUBLICATION p2 FOR TABLES IN SCHEMA {schema}")
    mall.sql(f"CREATE PUBLICATION p3 FOR TABLE {schema}.items (id, amount); CREATE PUBLICATION p4 FOR ALL TABLES")
    try:
        with pytest.raises(RefusedError, match=r"publication p1, p2, p4 carries.*publications="):
            sync(mall, schema, ())
        sync(mall, schema, (), publications=["p1", "p2", "p4"])
    finally:
        mall.sql("DROP PUBLICATION p1, p2, p3, p4")


def test_a_partition_that_is_published(mall: Shop, schema: str) -> None:
    mall.make(
        f"CREATE TABLE {schema}.items (id int PRIMARY KEY, amount text) PARTITION BY RANGE (id)",
        f"CREATE TABLE {schema}.items_1 PARTITION OF {schema}.items DEFAULT",
    )
    mall.sql(f"CREATE PUBLICATION p5 FOR TABLE {schema}.items_1")
    try:
        with pytest.raises(RefusedError, match=r"publication p5 carries.*publications="):
            sync(mall, schema, ())
    finally:
        mall.sql("DROP PUBLICATION p5")


def test_a_table_that_a_subscription_fills(mall: Shop, schema: str) -> None:
    """No publisher is there, so the catalog is told what it would have told."""
    mall.make(TABLE.format(s=schema))
    with mall.database.connect() as connection:
        connection.execute(
            "CREATE SUBSCRIPTION s1 CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false, slot_name = NONE)"
        )
        connection.execute("SET allow_system_table_mods = on")
        connection.execute(
            f"INSERT INTO pg_subscription_rel SELECT oid, '{schema}.items'::regclass, 'r' FROM pg_subscription".encode()
        )
    try:
        with pytest.raises(RefusedError, match=r"replication writes.*triggers are silent.*on the publisher"):
            sync(mall, schema, ())
    finally:
        mall.sql("DROP SUBSCRIPTION s1")


def test_a_subscribers_own_writes_are_not_synced(shop: Shop) -> None:
    """In the replica role triggers are silent, as a subscription's are; the backfill finds such rows."""
    sync(shop, "public", ("CREATE TABLE items (id int PRIMARY KEY, amount text)",), name="pair")
    with shop.database.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("INSERT INTO items (id, amount) VALUES (1, '5')")
    assert shop.divergent("pair") == 1
    shop.migrate(lambda op: op.backfill("items", sync="pair"))
    assert shop.row("amount, cents") == ("5", 5)


def test_a_materialized_view_and_a_foreign_table(mall: Shop, schema: str) -> None:
    mall.make(f"CREATE MATERIALIZED VIEW {schema}.items AS SELECT 1 AS id, '1'::text AS amount")
    with pytest.raises(RefusedError, match=r"is a materialized view.*name the table under it"):
        sync(mall, schema, ())
    mall.sql(
        f"DROP MATERIALIZED VIEW {schema}.items; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w"
    )
    try:
        mall.sql(f"CREATE FOREIGN TABLE {schema}.items (id int, amount text) SERVER far")
        with pytest.raises(RefusedError, match=r"is a foreign table.*name the table under it"):
            sync(mall, schema, ())
        mall.sql(f"DROP FOREIGN TABLE {schema}.items")
        mall.make(f"CREATE TABLE {schema}.items (id int NOT NULL, amount text) PARTITION BY RANGE (id)")
        mall.sql(f"CREATE FOREIGN TABLE {schema}.f PARTITION OF {schema}.items DEFAULT SERVER far")
        with pytest.raises(RefusedError, match=r"partitions that are foreign tables.*detach"):
            sync(mall, schema, ())
    finally:
        mall.sql("DROP FOREIGN DATA WRAPPER w CASCADE")


def test_a_role_that_may_not_record_for_repair(shop: Shop) -> None:
    """What made our schema was another role."""
    sync(shop, "public", (TABLE.format(s="public"),), name="pair")
    shop.make(TABLE.format(s="public").replace("items", "others"))
    shop.sql("ALTER SCHEMA seachange OWNER TO postgres; ALTER TABLE seachange.repair OWNER TO postgres")
    with pytest.raises(MigrationError, match=r"schema seachange.*(owns|GRANT)"):
        shop.migrate(lambda op: op.rename_column("others", "amount", "price", type_="text"))
    assert shop.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'price'") == [(0,)]


def test_two_syncs_of_one_column(mall: Shop, schema: str) -> None:
    sync(mall, schema, (TABLE,))
    second = {
        "name": f"second {schema}",
        "old": "cents",
        "new": {"dollars": "int"},
        "forward": "cents",
        "backward": "dollars",
    }
    with pytest.raises(RefusedError, match=f"sync sync {schema} keeps one of these columns.*contract it first"):
        sync(mall, schema, (), **second)
    with pytest.raises(RefusedError, match=r"a sync of this name stands on .*another, name="):
        sync(
            mall,
            schema,
            (f"CREATE SCHEMA {schema}x", f"CREATE TABLE {schema}x.items (id int PRIMARY KEY, amount text)"),
            schema=f"{schema}x",
        )
