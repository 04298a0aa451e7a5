"""Nobody's write fails for what only the trigger asks for: a value's text, a default, an entry for repair."""

import psycopg
import pytest

from seachange_migrations.errors import RefusedError
from tests.migrations.sync.shop import Shop

# A type whose values, from 100 on, have no text: its own cast refuses them.
TYPE = (
    "CREATE TYPE price AS (cents int)",
    """CREATE FUNCTION shown(p price) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
       $$BEGIN IF p.cents >= 100 THEN RAISE EXCEPTION 'no text'; END IF; RETURN p.cents::text; END$$""",
    "CREATE CAST (price AS text) WITH FUNCTION shown(price)",
)


def warned(shop: Shop, statement: str) -> list[str]:
    """Runs it; the warnings that came."""
    found: list[str] = []
    with shop.database.connect() as connection:
        connection.add_notice_handler(lambda notice: found.append(str(notice.message_primary)))
        connection.execute(statement.encode())
    return found


@pytest.fixture
def prices(shop: Shop) -> Shop:
    shop.make(*TYPE, "CREATE TABLE items (id int PRIMARY KEY, amount price)", "INSERT INTO items VALUES (1, ROW(100))")
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "smallint", forward="(amount).cents", backward="ROW(cents)::price", lossy=True
        )
    )
    return shop


def test_an_original_without_a_text(prices: Shop) -> None:
    (warning,) = warned(prices, "UPDATE items SET amount = ROW(100000) WHERE id = 1")
    assert "could not be recorded for repair: no text" in warning
    assert prices.row("(amount).cents, cents") == (100000, None)
    assert prices.divergent("items_cents") == 1


def test_an_original_without_a_text_is_not_overwritten(prices: Shop) -> None:
    prices.sql("UPDATE items SET cents = 7 WHERE id = 1")
    assert prices.row("(amount).cents, cents") == (100, 7)
    assert prices.repairs() == [("1", {"cents": "7"}, "does not convert back: P0001")]


def test_a_rename_of_values_without_a_text(shop: Shop) -> None:
    shop.make(*TYPE, "CREATE TABLE items (id int PRIMARY KEY, amount price)", "INSERT INTO items VALUES (1, ROW(100))")
    shop.migrate(lambda op: op.rename_column("items", "amount", "price", type_="price"))
    (warning,) = warned(shop, "UPDATE items SET price = ROW(7) WHERE id = 1")
    assert "could not be recorded for repair: no text" in warning
    assert shop.row("(price).cents") == (7,)


def test_a_key_without_a_text(shop: Shop) -> None:
    shop.make(*TYPE, "CREATE TABLE items (id price PRIMARY KEY, amount text)")
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True
        )
    )
    assert len(warned(shop, "INSERT INTO items VALUES (ROW(100), 'many')")) == 1
    assert len(warned(shop, "UPDATE items SET id = ROW(101)")) == 1
    assert shop.sql("SELECT (id).cents, amount, cents FROM items") == [(101, "many", None)]


def test_a_default_that_raises_is_not_asked_of_a_writer_that_gives_the_value(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text DEFAULT current_setting('shop.amount'))",
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True
        )
    )
    shop.sql("INSERT INTO items (id, amount, cents) VALUES (1, '5', 5), (2, '6', 7)")
    assert (shop.row("amount, cents"), shop.row("amount, cents", 2)) == (("5", 5), ("7", 7))
    reason = "both sides were written and disagree; the new one was kept"
    assert shop.repairs() == [("2", {"amount": "6"}, reason)]
    with pytest.raises(psycopg.errors.UndefinedObject):
        shop.sql("INSERT INTO items (id, cents) VALUES (3, 5)")


def test_a_function_that_depends_on_the_search_path_is_refused(shop: Shop) -> None:
    """In the trigger it would find nothing, and every value would wait for repair."""
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        "INSERT INTO items VALUES (1, '5')",
        "CREATE FUNCTION inner_cents(amount text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT amount::int'",
        """CREATE FUNCTION cents(amount text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
           'BEGIN RETURN inner_cents(amount); END'""",
    )
    for lossy in (False, True):
        with pytest.raises(RefusedError, match=r"search_path.*ALTER FUNCTION"):
            shop.migrate(
                lambda op, lossy=lossy: op.change_type(
                    "items", "amount", "v", "int", forward="cents(amount)", backward="v::text", lossy=lossy
                )
            )
    shop.make("ALTER FUNCTION cents SET search_path = public")
    shop.migrate(lambda op: op.change_type("items", "amount", "v", "int", forward="cents(amount)", backward="v::text"))
    shop.sql("UPDATE items SET amount = '7' WHERE id = 1")
    assert (shop.row("v"), shop.repairs()) == ((7,), [])


def test_a_conversion_that_asserts(shop: Shop) -> None:
    """WHEN OTHERS does not catch it."""
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        """CREATE FUNCTION cents(amount text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
           $$BEGIN ASSERT amount <> 'many'; RETURN amount::int; END$$""",
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "v", "int", forward="cents(amount)", backward="v::text", lossy=True
        )
    )
    shop.sql("INSERT INTO items (id, amount) VALUES (1, 'many')")
    assert (shop.row("amount, v"), shop.divergent("items_v")) == (("many", None), 0)
    assert shop.repairs() == [("1", {"amount": "many"}, "does not convert: P0004")]
