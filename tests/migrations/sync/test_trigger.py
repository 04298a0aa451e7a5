"""The trigger itself: when it fires, what it compares, which names it finds, and when it and its columns are there."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

from tests.migrations.sync.shop import Shop

TIDY = "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.amount := trim(NEW.amount); RETURN NEW; END $$"
# Operators and functions that come first in a caller's search_path, and raise.
EVIL = """
CREATE SCHEMA evil;
CREATE FUNCTION evil.image(record, record) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE OPERATOR evil.*= (LEFTARG = record, RIGHTARG = record, FUNCTION = evil.image);
CREATE OPERATOR evil.*<> (LEFTARG = record, RIGHTARG = record, FUNCTION = evil.image);
CREATE FUNCTION evil.texts(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.texts);
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.texts);
CREATE FUNCTION evil.ints(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE OPERATOR evil.> (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.ints);
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.ints);
CREATE FUNCTION evil.jsons(jsonb, jsonb) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE OPERATOR evil.= (LEFTARG = jsonb, RIGHTARG = jsonb, FUNCTION = evil.jsons);
CREATE FUNCTION evil.num_nonnulls(VARIADIC text[]) RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE FUNCTION evil.jsonb_build_object(text, text) RETURNS jsonb LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
CREATE FUNCTION evil.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END'
"""


def amount(op: Operations) -> None:
    op.change_type("items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True)


@pytest.fixture
def amounts(shop: Shop) -> Shop:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount text)", "INSERT INTO items VALUES (1, '5')")
    return shop


def test_it_fires_for_every_row_without_a_condition(amounts: Shop) -> None:
    """A condition is dearer than a function that returns at once, and a list of columns misses what other triggers change."""
    amounts.migrate(amount)
    found = "SELECT tgqual IS NULL, tgattr::text, tgtype FROM pg_trigger WHERE tgrelid = 'items'::regclass AND tgname LIKE '~%'"
    row, before, insert, update = 1, 2, 4, 16
    assert amounts.sql(found) == [(True, "", row | before | insert | update)]


@pytest.mark.parametrize("name", ["a", "zz", "}tidy", "~se"])
@pytest.mark.parametrize("event", ["INSERT", "UPDATE OF amount"])
def test_it_sees_what_the_triggers_before_it_changed(mall: Shop, schema: str, name: str, event: str) -> None:
    mall.make(
        f"CREATE TABLE {schema}.items (id int PRIMARY KEY, amount text)",
        TIDY.replace("tidy()", f"{schema}.tidy()"),
        f'CREATE TRIGGER "{name}" BEFORE {event} ON {schema}.items FOR EACH ROW EXECUTE FUNCTION {schema}.tidy()',
    )
    sync = {"old": "amount", "new": {"price": "text"}, "forward": "amount", "backward": "price", "schema": schema}
    mall.migrate(lambda op: op.sync_columns("items", **sync, name=f"{schema}_price"))
    mall.sql(f"INSERT INTO {schema}.items (id, amount) VALUES (1, ' 5 ')")
    mall.sql(f"UPDATE {schema}.items SET amount = ' 6 '")
    ((amount_, price),) = mall.sql(f"SELECT amount, price FROM {schema}.items")
    assert amount_ == price


def test_a_change_that_is_equal_is_a_change(shop: Shop) -> None:
    """1.0 and 1.00 are equal, and not the same."""
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount numeric)", "INSERT INTO items VALUES (1, 1.0)")
    shop.migrate(
        lambda op: op.change_type("items", "amount", "v", "text", forward="amount::text", backward="v::numeric")
    )
    shop.sql("UPDATE items SET amount = 1.00")
    assert shop.row("amount::text, v") == ("1.00", "1.00")
    shop.sql("UPDATE items SET v = '1.000'")
    assert shop.row("amount::text, v") == ("1.000", "1.000")
    assert shop.repairs() == []


def test_types_without_equality(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount json)", """INSERT INTO items VALUES (1, '{"a": 1}')""")
    shop.migrate(lambda op: op.rename_column("items", "amount", "v", type_="json"))
    shop.sql("""UPDATE items SET amount = '{"a":  1}'""")
    assert shop.row("v::text") == ('{"a":  1}',)
    shop.sql("UPDATE items SET v = '[]'")
    assert shop.row("amount::text") == ("[]",)


@pytest.mark.parametrize(
    ("type_", "forward", "backward"), [("int", "amount::int", "cents::text"), ("varchar(6)", "lower(amount)", "cents")]
)
def test_a_hostile_search_path_of_one_that_asks_what_is_behind(
    amounts: Shop, type_: str, forward: str, backward: str
) -> None:
    """Writers have the trigger's own; the backfill and repair ask on connections whose search_path is the user's."""
    pair = {"forward": forward, "backward": backward, "lossy": True}
    amounts.migrate(lambda op: op.change_type("items", "amount", "cents", type_, **pair))
    amounts.sql("UPDATE items SET amount = 'too many'")
    amounts.sql(EVIL)
    role = amounts.database.master.user
    amounts.sql(f'GRANT USAGE ON SCHEMA evil TO "{role}"')
    amounts.sql(f'ALTER ROLE "{role}" IN DATABASE "{amounts.database.name}" SET search_path = evil, pg_catalog, public')
    with amounts.connection() as connection:
        assert connection.scalar(sa.text("SHOW search_path")) == "evil, pg_catalog, public"
    assert amounts.divergent("items_cents") == 0
    amounts.sql("INSERT INTO items (id, amount) VALUES (2, '7')")
    assert amounts.divergent("items_cents") == 0
    amounts.sql("ALTER TABLE items DISABLE TRIGGER USER; UPDATE items SET cents = '8' WHERE id = 2")
    assert amounts.divergent("items_cents") == 1


def test_operators_are_found_without_a_search_path_of_the_functions_own(amounts: Shop) -> None:
    """Either is enough: the trigger's fixed search_path, or that it qualifies every name."""
    amounts.migrate(amount)
    amounts.sql(EVIL)
    amounts.sql('ALTER FUNCTION seachange."items_cents~sync"() RESET search_path')
    amounts.sql(f'GRANT USAGE ON SCHEMA evil TO "{amounts.database.master.user}"')
    with amounts.database.connect() as connection:
        connection.execute("SET search_path = evil, pg_catalog, public")
        connection.execute("UPDATE items SET cents = 6")
        connection.execute("UPDATE items SET amount = 'many'")
        connection.execute("INSERT INTO items (id, amount, cents) VALUES (2, '7', 8)")
    assert amounts.sql("SELECT amount, cents FROM items ORDER BY id") == [("many", None), ("8", 8)]
    assert [reason.split(":")[0] for _, _, reason in amounts.repairs()] == [
        "overwritten",
        "does not convert",
        "both sides were written and disagree; the new one was kept",
    ]


SEEN = """
SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = ANY (%s) AND NOT attisdropped),
       (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'items'::regclass AND tgname LIKE '~seachange%%')
"""


def seen_by_another_session(shop: Shop, operation: Callable[[Operations], Any], columns: list[str]) -> set[Any]:
    """Columns and triggers that another session found there, after each statement of `operation` and after its commit."""
    found = set()

    def watched(op: Operations) -> None:
        def look(*_: object) -> None:
            found.update(shop.sql(SEEN, [columns]))

        sa.event.listen(op.get_bind(), "after_cursor_execute", look)
        operation(op)

    shop.migrate(watched)
    return found | set(shop.sql(SEEN, [columns]))


def test_columns_and_trigger_are_seen_together(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, first text, last text)", "INSERT INTO items VALUES (1, 'a', 'b')"
    )

    def sync(op: Operations) -> None:
        op.sync_columns(
            "items",
            old=["first", "last"],
            new={"given": "text", "family": "text"},
            forward={"given": "first", "family": "last"},
            backward={"first": "given", "last": "family"},
        )

    assert seen_by_another_session(shop, sync, ["given", "family"]) == {(0, 0), (2, 1)}
    shop.migrate(lambda op: op.backfill("items", sync="items_given"))
    gone = seen_by_another_session(shop, lambda op: op.drop_synced("items", sync="items_given"), ["first", "last"])
    assert gone == {(2, 1), (0, 0)}
