"""A backfill goes by any key that PostgreSQL orders, and says what it cannot go by."""

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import NoKeyError, estimate, run
from seachange_migrations.errors import RefusedError
from tests.migrations.backfill.examples import doubling, items, left
from tests.migrations.databases import Database

ROWS = 230

KEYS = {
    "int, negative too": ("id int PRIMARY KEY", "n - 100"),
    "uuid": ("id uuid PRIMARY KEY", "md5(n::text)::uuid"),
    "text": ("id text PRIMARY KEY", "'a''b:c%d\\ ' || n"),
    "text in another collation": ('id text COLLATE "C" PRIMARY KEY', "chr(60 + n % 90) || n"),
    "text in Unicode's order": ('id text COLLATE "unicode_fast" PRIMARY KEY', "chr(180 + n % 90) || n"),
    "char(8)": ("id char(8) PRIMARY KEY", "n::text"),
    "timestamptz": ("id timestamptz PRIMARY KEY", "timestamptz '1969-12-31 BC' + n * interval '1 hour 1 microsecond'"),
    "date, infinite too": (
        "id date PRIMARY KEY",
        "CASE n WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE date '1999-01-01' + n END",
    ),
    "interval": ("id interval PRIMARY KEY", "(n - 100) * interval '1 month -1 day 1 hour'"),
    "numeric": ("id numeric(20, 10) PRIMARY KEY", "n / 7.0 - 9"),
    "double precision": ("id float8 PRIMARY KEY", "n / 7.0::float8"),
    "bytea": ("id bytea PRIMARY KEY", "sha256(n::text::bytea)"),
    "boolean and int": ("one boolean, id int, PRIMARY KEY (one, id)", "n % 2 = 0, n / 2"),
    "text, date and uuid": (
        "one text, two date, id uuid, PRIMARY KEY (two, one, id)",
        "'x' || n % 3, date '2020-02-28' + n % 5, md5(n::text)::uuid",
    ),
    "inet": ("id inet PRIMARY KEY", "inet '10.0.0.0' + n"),
    "array": ("id int[] PRIMARY KEY", "ARRAY[n % 3, n]"),
    "no primary key": ("id int NOT NULL UNIQUE", "n"),
    "descending": ("id int NOT NULL", "n"),
}


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("kind", KEYS)
def test_any_key(database: Database, connection: Connection, kind: str) -> None:
    definition, value = KEYS[kind]
    if "unicode_fast" in definition and not database.rows(
        "SELECT 1 FROM pg_collation WHERE collname = 'pg_unicode_fast'"
    ):
        pytest.skip("this server has no such collation")
    items(database, ROWS, key=definition.replace("unicode_fast", "pg_unicode_fast"), of=value)
    if kind == "descending":
        database.rows("CREATE UNIQUE INDEX ON items (id DESC)")
    # Whoever runs it may read and write dates his own way.
    connection.exec_driver_sql(
        "SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET bytea_output = 'escape'"
    )
    assert run(connection, doubling()) == ROWS
    assert left(database) == 0


@pytest.mark.usefixtures("small_batches")
def test_a_domain_with_a_collation_of_its_own(database: Database, connection: Connection) -> None:
    database.rows(
        "CREATE DOMAIN code AS text COLLATE \"C\" CHECK (value <> ''); CREATE DOMAIN item_code AS code;"
        f'ALTER DOMAIN code OWNER TO "{database.master.user}"'
    )
    items(database, ROWS, key="id item_code PRIMARY KEY", of="'c' || n")
    assert run(connection, doubling()) == ROWS
    assert left(database) == 0


@pytest.mark.usefixtures("small_batches")
def test_names_that_need_quotes(database: Database, connection: Connection) -> None:
    database.rows(
        'CREATE SCHEMA "My Shop"; CREATE TABLE "My Shop"."Order ""Item"":1%" ("Key:Part" int, "key part" text, "Value" int, "Double%" int,'
        ' PRIMARY KEY ("key part", "Key:Part"));'
        'INSERT INTO "My Shop"."Order ""Item"":1%" SELECT n, n % 7, n FROM generate_series(1, 230) AS n;'
        f'GRANT ALL ON SCHEMA "My Shop" TO "{database.master.user}";'
        f'ALTER TABLE "My Shop"."Order ""Item"":1%" OWNER TO "{database.master.user}"'
    )
    table = 'Order "Item":1%'
    wanted = doubling(
        table,
        schema="My Shop",
        assignments={"Double%": "\"Value\" * 2 + length(':x%') - 3"},
        behind='"Double%" IS NULL',
    )
    assert run(connection, wanted) == ROWS
    assert estimate(connection, wanted).key == ("key part", "Key:Part")
    assert database.rows('SELECT count(*) FROM "My Shop"."Order ""Item"":1%" WHERE "Double%" = "Value" * 2') == [
        (ROWS,)
    ]


@pytest.mark.usefixtures("small_batches")
def test_partitions_each_with_their_own_order_of_columns(database: Database, connection: Connection) -> None:
    database.rows(
        "CREATE TABLE items (day date, id int, value int NOT NULL, twice int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
        "CREATE TABLE early PARTITION OF items FOR VALUES FROM ('2020-01-01') TO ('2020-06-01');"
        "CREATE TABLE late (twice int, value int NOT NULL, gone int, day date NOT NULL, id int NOT NULL);"
        "ALTER TABLE late DROP COLUMN gone;"
        "ALTER TABLE items ATTACH PARTITION late FOR VALUES FROM ('2020-06-01') TO ('2021-01-01');"
        "INSERT INTO items SELECT date '2020-01-01' + n % 360, n, n FROM generate_series(1, 700) AS n; ANALYZE items;"
        f'ALTER TABLE items OWNER TO "{database.master.user}"; ALTER TABLE early OWNER TO "{database.master.user}";'
        f'ALTER TABLE late OWNER TO "{database.master.user}"'
    )
    assert estimate(connection, doubling()).rows == 700
    assert run(connection, doubling()) == 700
    assert left(database) == 0


def test_every_row_of_an_empty_table(database: Database, connection: Connection) -> None:
    items(database, 0)
    assert run(connection, doubling()) == 0


@pytest.mark.parametrize(
    "index",
    [
        "CREATE INDEX ON items (id)",
        "CREATE UNIQUE INDEX ON items (id) WHERE id > 5",
        "CREATE UNIQUE INDEX ON items (abs(id))",
        "CREATE UNIQUE INDEX ON items (maybe)",
        "CREATE UNIQUE INDEX ON items (id DESC, value)",
    ],
)
def test_a_table_without_a_key_is_refused(database: Database, connection: Connection, index: str) -> None:
    items(database, 5, key="id int NOT NULL, maybe int", of="n, n")
    database.rows(index)
    with pytest.raises(NoKeyError, match=r"public\.items has no key .* add a primary key, or a unique index"):
        run(connection, doubling())
    assert left(database) == 5


def test_a_not_null_that_nobody_has_validated_makes_no_key(database: Database, connection: Connection) -> None:
    ((version,),) = database.rows("SELECT current_setting('server_version_num')::int / 10000")
    if version < 18:
        pytest.skip("PostgreSQL 18 and later have NOT NULL that is NOT VALID")
    items(database, 5, key="id int")
    database.rows(
        "INSERT INTO items VALUES (NULL, 1); CREATE UNIQUE INDEX ON items (id); ALTER TABLE items ADD NOT NULL id NOT VALID"
    )
    with pytest.raises(NoKeyError):
        run(connection, doubling())
    database.rows("UPDATE items SET id = 9 WHERE id IS NULL; ALTER TABLE items VALIDATE CONSTRAINT items_id_not_null")
    assert run(connection, doubling()) == 6


@pytest.mark.parametrize(
    ("index", "lacks"),
    [
        ("id DESC NULLS FIRST, value", "its columns are not all in one direction"),
        ("code text_pattern_ops", "it has not each type's default operator class"),
        ('code COLLATE "C"', "it has not each column's own collation"),
        (
            'code COLLATE "C" text_pattern_ops DESC, id',
            "its columns are not all in one direction, and it has not each type's default operator class, and it has not each "
            "column's own collation",
        ),
    ],
)
def test_what_a_unique_index_lacks_is_named(database: Database, connection: Connection, index: str, lacks: str) -> None:
    items(database, 5, key="id int NOT NULL, code text NOT NULL", of="n, n")
    database.rows(f'CREATE UNIQUE INDEX "Item\'s key" ON items ({index})')
    with pytest.raises(NoKeyError) as caught:
        run(connection, doubling())
    assert f'(not in that of "Item\'s key": {lacks}); add a primary key' in str(caught.value)
    assert "in one direction, each with its default operator class and own collation" in str(caught.value)
    database.rows("CREATE UNIQUE INDEX ON items (code DESC, id DESC)")
    assert run(connection, doubling()) == 5


def test_a_table_that_is_not_there(connection: Connection) -> None:
    with pytest.raises(RefusedError, match=r"there is no table public\.nothing"):
        run(connection, doubling("nothing"))


def test_tables_that_inherit(database: Database, connection: Connection) -> None:
    items(database, 5)
    database.rows("CREATE TABLE special () INHERITS (items)")
    with pytest.raises(RefusedError, match=r"other tables inherit from public\.items"):
        run(connection, doubling())


def test_rows_that_row_security_would_hide(database: Database, connection: Connection) -> None:
    items(database, 5)
    database.rows("ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY part ON items USING (id > 3)")
    assert run(connection, doubling()) == 5, "it does not hold for the owner"
    database.rows("ALTER TABLE items FORCE ROW LEVEL SECURITY")
    with pytest.raises(RefusedError, match=r"row security hides rows of public\.items"):
        run(connection, doubling())
