"""The sampled rows, and the values that are bound from them."""

import pytest

from seachange_migrations.check.parser import parse
from seachange_migrations.check.scratch import scratch
from seachange_migrations.check.statement import Statement
from seachange_migrations.check.workload import seeds as seeding
from seachange_migrations.check.workload.parameters import Target, Use, targets
from seachange_migrations.check.workload.seeds import MOST_ROWS, SAMPLED, seed
from seachange_migrations.check.workload.tables import Column, Table, Tables, read_tables
from seachange_migrations.check.workload.values import values
from seachange_migrations.connection import connect
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.proof.services import migrated

SCHEMA = """
    CREATE TABLE regions (id int PRIMARY KEY, parent int REFERENCES regions);
    CREATE TABLE shops (region int REFERENCES regions, number int, PRIMARY KEY (region, number));
    CREATE TABLE orders (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, region int, number int, twice int GENERATED ALWAYS AS (number * 2) STORED,
        FOREIGN KEY (region, number) REFERENCES shops
    );
    CREATE TABLE unrelated (id int PRIMARY KEY);
"""
ROWS = """
    INSERT INTO regions SELECT n, CASE WHEN n % 50 <> 1 THEN n - 1 END FROM generate_series(1, 300) n;
    INSERT INTO shops SELECT n, n FROM generate_series(1, 300) n;
    INSERT INTO orders (region, number) SELECT n, n FROM generate_series(1, 300) n;
    INSERT INTO unrelated VALUES (1)
"""


@pytest.fixture
def sampled(database: Database, directory: AlembicDirectory) -> Database:
    migrated(database, directory, SCHEMA)
    database.rows(ROWS)
    return database


def test_sampled_rows_come_with_those_that_they_refer_to(sampled: Database, directory: AlembicDirectory) -> None:
    with scratch(sampled.master, directory.path) as made, connect(made.settings) as connection:
        seeds = seed(made, read_tables(connection), ["public.orders"], lambda: 60.0)
        rows = {
            name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchone()
            for name in ("orders", "shops", "regions", "unrelated")
        }
        newest = connection.execute("SELECT min(id), max(id), max(twice) FROM orders").fetchone()
        following = connection.execute("INSERT INTO orders DEFAULT VALUES RETURNING id").fetchone()
    # The regions 281 to 300, and of those the 251 to 280 to which they lead.
    assert rows == {"orders": (SAMPLED,), "shops": (SAMPLED,), "regions": (50,), "unrelated": (0,)}
    assert seeds.missing == []
    assert newest == (281, 300, 600)
    assert following == (301,)


def test_rows_are_copied_past_the_users_triggers_and_these_fire_again_afterwards(
    sampled: Database, directory: AlembicDirectory
) -> None:
    directory.revision(
        "0002",
        "0001",
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER nothing BEFORE INSERT ON unrelated FOR EACH ROW EXECUTE FUNCTION nothing()",
    )
    migrate(sampled.master, directory.path)
    with scratch(sampled.master, directory.path) as made, connect(made.settings) as connection:
        seeds = seed(made, read_tables(connection), ["public.unrelated"], lambda: 60.0)
        connection.execute("INSERT INTO unrelated VALUES (2)")
        assert connection.execute("SELECT id FROM unrelated").fetchall() == [(1,)]
    assert seeds.missing == []


def test_rows_that_lead_to_more_than_the_bound_are_left_out_and_that_is_said(
    sampled: Database, directory: AlembicDirectory
) -> None:
    sampled.rows("UPDATE regions SET parent = nullif(id - 1, 0)")
    with scratch(sampled.master, directory.path) as made, connect(made.settings) as connection:
        seeds = seed(made, read_tables(connection), ["public.regions"], lambda: 60.0)
    assert seeds.rows == {}
    assert seeds.missing == [f"public.regions: {MOST_ROWS} rows do not fit, as rows that they refer to are missing"]


def test_the_bound_of_time_is_kept_and_said(sampled: Database, directory: AlembicDirectory) -> None:
    with scratch(sampled.master, directory.path) as made, connect(made.settings) as connection:
        seeds = seed(made, read_tables(connection), ["public.orders"], lambda: 0.0)
    assert seeds.rows == {}
    assert seeds.missing == ["public.orders: the bound of size or time is reached"]


def test_the_bound_of_size_is_kept_and_said(
    sampled: Database, directory: AlembicDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "MOST_BYTES", 100)
    with scratch(sampled.master, directory.path) as made, connect(made.settings) as connection:
        seeds = seed(made, read_tables(connection), ["public.unrelated", "public.orders"], lambda: 60.0)
    assert "public.shops: the bound of size or time is reached" in seeds.missing
    assert list(seeds.rows) == ["public.unrelated"]


def test_a_table_that_is_locked_is_left_alone(sampled: Database, directory: AlembicDirectory) -> None:
    with (
        scratch(sampled.master, directory.path) as made,
        connect(made.settings) as connection,
        sampled.connect() as other,
        other.transaction(),
    ):
        other.execute("LOCK TABLE orders")
        seeds = seed(made, read_tables(connection), ["public.orders", "public.unrelated"], lambda: 60.0)
    assert seeds.missing == ["public.orders: LockNotAvailable"]
    assert list(seeds.rows) == ["public.unrelated"]


def column(name: str, type_: str, oid: int, modifier: int = -1) -> Column:
    return Column(name=name, type=type_, oid=oid, generated=False, modifier=modifier)


PEOPLE = Table(
    schema="public",
    name="people",
    view=False,
    columns={
        "id": column("id", "integer", 23),
        "email": column("email", "character varying(20)", 1043, 24),
        "token": column("token", "uuid", 2950),
        "at": column("at", "timestamp with time zone", 1184),
        "tags": column("tags", "text[]", 1009),
        "age": column("age", "integer", 23),
    },
    keys=[["id"], ["email"]],
)
TABLES = Tables({"public.people": PEOPLE})
ROW = {
    "id": "7",
    "email": "seven@example.com",
    "token": None,
    "at": "2024-05-05 00:00+00",
    "tags": "{a,b}",
    "age": "30",
}


def found(sql: str) -> dict[int, Target]:
    [parsed] = parse(Statement(sql=sql))
    return targets(parsed, TABLES)


def of(name: str, use: Use = Use.VALUE) -> Target:
    return Target(use, "public.people", name)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT id FROM people WHERE email = $1 LIMIT $2 OFFSET $3",
            {1: of("email"), 2: Target(Use.LIMIT), 3: Target(Use.OFFSET)},
        ),
        ("SELECT p.id FROM people p WHERE p.age BETWEEN $1 AND $2", {1: of("age"), 2: of("age")}),
        ("SELECT id FROM people WHERE id = ANY($1)", {1: of("id", Use.ARRAY)}),
        ("SELECT id FROM people WHERE id IN ($1, $2)", {1: of("id"), 2: of("id")}),
        ("SELECT id FROM people WHERE $1 = ANY(tags)", {1: of("tags")}),
        ("SELECT id FROM people WHERE (id, age) > ($1, $2)", {1: of("id"), 2: of("age")}),
        ("SELECT id FROM people WHERE lower(email) = lower($1)", {1: of("email")}),
        (
            "INSERT INTO people (id, email) VALUES ($1, $2), ($3, $4)",
            {1: of("id"), 2: of("email"), 3: of("id"), 4: of("email")},
        ),
        ("INSERT INTO people SELECT $1, $2", {1: of("id"), 2: of("email")}),
        (
            "INSERT INTO people (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET age = $2 WHERE people.age < $3",
            {1: of("id"), 2: of("age"), 3: of("age")},
        ),
        ("UPDATE people SET (age, email) = ($1, $2) WHERE id = $3", {1: of("age"), 2: of("email"), 3: of("id")}),
        ("DELETE FROM people WHERE id = $1 AND age > coalesce($2, $3)", {1: of("id"), 2: of("age"), 3: of("age")}),
        (
            "MERGE INTO people USING (SELECT $1::int AS id) s ON people.id = s.id "
            "WHEN MATCHED THEN UPDATE SET age = $2 WHEN NOT MATCHED THEN INSERT (id, age) VALUES (s.id, $3)",
            {2: of("age"), 3: of("age")},
        ),
        (
            "WITH old AS (SELECT id FROM people WHERE age = $1) DELETE FROM people WHERE id IN (SELECT id FROM old)",
            {1: of("age")},
        ),
        ("SELECT $1 FROM nowhere WHERE x = $2", {}),
    ],
)
def test_each_parameter_is_mapped_to_its_column(sql: str, expected: dict[int, Target]) -> None:
    assert found(sql) == expected


def test_values_come_from_a_row_once_as_it_is_and_once_with_fresh_unique_keys() -> None:
    mapped = found("INSERT INTO people (id, email, token, at, age) VALUES ($1, $2, $3, $4, $5)")
    types = (23, 1043, 2950, 1184, 23)
    as_is, fresh = values(types, mapped, TABLES, {"public.people": [ROW]}, writes="public.people")
    assert as_is == ("7", "seven@example.com", None, "2024-05-05 00:00+00", "30")
    number, email, *rest = fresh
    assert number not in (None, "7")
    assert int(number or 0) < 2**31
    assert email != "seven@example.com"
    assert len(email or "") == 20
    assert rest == [None, "2024-05-05 00:00+00", "30"]


def test_what_is_only_read_has_no_fresh_keys() -> None:
    mapped = found("SELECT age FROM people WHERE id = $1 AND tags @> $2 AND id = ANY($3) LIMIT $4")
    [bound] = values((23, 1009, 1007, 20), mapped, TABLES, {"public.people": [ROW]}, writes="")
    assert bound == ("7", "{a,b}", '{"7"}', "10")


def test_an_empty_table_gets_examples_of_its_types() -> None:
    mapped = found("INSERT INTO people (id, email, at) VALUES ($1, $2, $3)")
    as_is, _ = values((23, 1043, 1184), mapped, TABLES, {}, writes="public.people")
    assert as_is == ("1", "a", "2024-01-01")
