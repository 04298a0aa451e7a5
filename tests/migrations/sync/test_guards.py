"""Constraints of the old side: a derived value that would violate one is not assigned, and its writer does not fail."""

from collections.abc import Callable

import psycopg
import pytest
from alembic.operations import Operations

from seachange_migrations.errors import RefusedError
from tests.migrations.sync.shop import Shop

UNFIT: dict[str, tuple[str, str, str]] = {
    "not null": ("amount text NOT NULL DEFAULT '6'", "NULL", "does not convert back: amount may not be NULL"),
    "a check": (
        "amount text CONSTRAINT few CHECK (length(amount) < 3)",
        "1000",
        "does not convert back: constraint few",
    ),
    "a check with another column": (
        "amount text, most int DEFAULT 9, CONSTRAINT few CHECK (amount::int <= most)",
        "10",
        "does not convert back: constraint few",
    ),
    "a check not valid": ("amount text", "1000", "does not convert back: constraint late"),
    "a varchar": ("amount varchar(3)", "1000", "does not convert back: 22001"),
    "a domain": ("amount short", "1000", "does not convert back: 23514"),
    "a domain that refuses NULL": ("amount given DEFAULT '6'", "NULL", "does not convert back: 23502"),
    "a foreign key": (
        "amount text CONSTRAINT known REFERENCES known (code)",
        "1000",
        "does not convert back: constraint known",
    ),
}


def amount(op: Operations) -> None:
    op.change_type("items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True)


@pytest.fixture
def items(shop: Shop) -> Callable[[str], Shop]:
    def make(columns: str) -> Shop:
        shop.make(
            "CREATE DOMAIN short AS text CHECK (length(VALUE) < 4)",
            "CREATE DOMAIN given AS text NOT NULL",
            "CREATE TABLE known (code text PRIMARY KEY)",
            "INSERT INTO known VALUES ('5'), ('6')",
            f"CREATE TABLE items (id int PRIMARY KEY, {columns})",
            "INSERT INTO items (id, amount) VALUES (1, '5')",
        )
        return shop

    return make


@pytest.mark.parametrize("case", UNFIT)
def test_a_derived_value_that_does_not_fit(items: Callable[[str], Shop], case: str) -> None:
    columns, cents, reason = UNFIT[case]
    shop = items(columns)
    if case == "a check not valid":
        shop.make("ALTER TABLE items ADD CONSTRAINT late CHECK (length(amount) < 3) NOT VALID")
    shop.migrate(amount)
    shop.sql("UPDATE items SET amount = '6', cents = 6 WHERE id = 1")
    assert shop.row("amount, cents") == ("6", 6)
    shop.sql(f"UPDATE items SET cents = {cents} WHERE id = 1")
    assert shop.row("amount, cents") == ("6", None if cents == "NULL" else int(cents))
    assert shop.repairs() == [("1", {"cents": None if cents == "NULL" else cents}, reason)]
    shop.sql("UPDATE items SET cents = 5 WHERE id = 1")
    assert shop.row("amount, cents") == ("5", 5)
    assert shop.divergent("items_cents") == 0
    shop.sql("DELETE FROM seachange.repair")
    shop.sql(f"INSERT INTO items (id, cents) VALUES (2, {'1000' if cents == 'NULL' else cents})")
    assert shop.row("cents", 2) == (1000 if cents == "NULL" else int(cents),)
    assert len(shop.repairs()) == (cents != "NULL")


@pytest.mark.parametrize("column", ["amount text NOT NULL", "amount given"])
def test_a_row_that_is_inserted_has_no_old_value_to_keep(items: Callable[[str], Shop], column: str) -> None:
    shop = items(column)
    with pytest.raises(
        RefusedError,
        match=r"items.amount is NOT NULL without a default.*op.alter_column\('items', 'amount', nullable=True\)",
    ):
        shop.migrate(amount)
    shop.make("ALTER TABLE items ALTER amount SET DEFAULT '5'")
    shop.migrate(
        lambda op: op.change_type(
            "items",
            "amount",
            "cents",
            "int",
            forward="amount::int",
            backward="(cents * (cents - 7) / (cents - 7))::text",
        )
    )
    shop.sql("INSERT INTO items (id, cents) VALUES (7, 7)")
    assert shop.row("amount, cents", 7) == ("5", 7)
    assert [reason for _, _, reason in shop.repairs()] == ["does not convert back: 22012"]


def test_a_rename_keeps_not_null(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount text NOT NULL)")
    shop.migrate(lambda op: op.rename_column("items", "amount", "sum", type_="text"))
    shop.sql("INSERT INTO items (id, sum) VALUES (1, 'a')")
    assert shop.row("amount, sum") == ("a", "a")


def test_a_writer_without_rights_to_the_referenced_table(items: Callable[[str], Shop]) -> None:
    shop = items("amount text REFERENCES known (code)")
    shop.migrate(amount)
    shop.sql(
        f"CREATE ROLE {shop.database.name}_writer; GRANT SELECT, INSERT, UPDATE ON items TO {shop.database.name}_writer"
    )
    with shop.database.connect() as connection:
        connection.execute(f"SET ROLE {shop.database.name}_writer".encode())
        connection.execute("UPDATE items SET cents = 6 WHERE id = 1")
    assert shop.row("amount, cents") == ("6", 6)
    assert [reason for _, _, reason in shop.repairs()] == ["overwritten: the new side did not hold it"]


def test_an_owner_without_rights_to_the_referenced_table(items: Callable[[str], Shop]) -> None:
    shop = items("amount text REFERENCES known (code)")
    shop.sql("ALTER TABLE known OWNER TO postgres")
    with pytest.raises(RefusedError, match=r"foreign key items_amount_fkey.*GRANT SELECT, UPDATE"):
        shop.migrate(amount)


def test_unique_on_the_old_side_takes_what_it_tells_apart(shop: Shop) -> None:
    """A number is written in many ways: two of them on the new side would be one on the old side, and fail the writer."""
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount int UNIQUE)", "INSERT INTO items VALUES (1, 5), (2, 6)")
    shop.migrate(
        lambda op: op.change_type("items", "amount", "code", "text", forward="amount::text", backward="code::int")
    )
    shop.sql("UPDATE items SET code = '05' WHERE id = 2")
    assert shop.row("amount, code", 2) == (6, "05")
    unique = "does not convert back: the old side is unique, and it would come back as another value"
    assert shop.repairs() == [("2", {"code": "05"}, unique)]
    shop.sql("INSERT INTO items (id, code) VALUES (3, '07') ON CONFLICT (amount) DO UPDATE SET code = 'never'")
    assert shop.row("amount, code", 3) == (None, "07")
    with pytest.raises(psycopg.errors.UniqueViolation):
        shop.sql("UPDATE items SET code = '5' WHERE id = 2")


def test_upserts_through_the_unique_old_column(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, email text UNIQUE, visits int DEFAULT 1)")
    shop.migrate(lambda op: op.rename_column("items", "email", "email_address", type_="text"))
    for number in range(3):
        shop.sql(
            f"INSERT INTO items (id, email) VALUES ({number}, 'a') ON CONFLICT (email) DO UPDATE SET visits = items.visits + 1"
        )
    assert shop.sql("SELECT id, email, email_address, visits FROM items") == [(0, "a", "a", 3)]


def test_several_old_columns_are_assigned_all_or_none(shop: Shop) -> None:
    shop.make(
        "CREATE DOMAIN short AS text CHECK (length(VALUE) < 4)",
        "CREATE TABLE items (id int PRIMARY KEY, first text, last short)",
        "INSERT INTO items VALUES (1, 'a', 'b')",
    )
    shop.migrate(
        lambda op: op.sync_columns(
            "items",
            old=["first", "last"],
            new={"name": "text"},
            forward="first || ' ' || last",
            backward={"first": "split_part(name, ' ', 1)", "last": "split_part(name, ' ', 2)"},
            lossy=True,
        )
    )
    shop.sql("UPDATE items SET name = 'c d' WHERE id = 1")
    assert shop.row("first, last, name") == ("c", "d", "c d")
    shop.sql("UPDATE items SET name = 'e longer' WHERE id = 1")
    assert shop.row("first, last, name") == ("c", "d", "e longer")
    assert ("1", {"name": "e longer"}, "does not convert back: 23514") in shop.repairs()


@pytest.mark.parametrize(
    "column", ["amount text NOT NULL REFERENCES known (code)", "amount text NOT NULL CHECK (length(amount) < 3)"]
)
def test_a_rename_under_a_constraint_does_not(items: Callable[[str], Shop], column: str) -> None:
    shop = items(column)

    def rename(op: Operations) -> None:
        op.rename_column("items", "amount", "sum", type_="text")

    with pytest.raises(RefusedError, match=r"items.amount is NOT NULL without a default"):
        shop.migrate(rename)
    shop.make("ALTER TABLE items ALTER amount DROP NOT NULL")
    shop.migrate(rename)
    shop.sql("INSERT INTO items (id, sum) VALUES (7, '1000')")
    assert shop.row("amount, sum", 7) == (None, "1000")
    assert len(shop.repairs()) == 1
