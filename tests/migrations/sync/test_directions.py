"""Who wrote, and what the other side then reads: each case that could be taken for another has its own test."""

import psycopg
import pytest
from alembic.operations import Operations

from tests.migrations.sync.shop import Shop

CUSTOMERS = """
CREATE TABLE items (id int PRIMARY KEY, note text, address text);
CREATE FUNCTION split(address text, OUT street text, OUT city text) LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF address NOT LIKE '%, %' THEN RAISE EXCEPTION 'no city in %', address; END IF;
    street := split_part(address, ', ', 1);
    city := split_part(address, ', ', 2);
END $$
"""


def parts(op: Operations) -> None:
    op.sync_columns(
        "items",
        old="address",
        new={"street": "text", "city": "text"},
        forward="public.split(address)",
        backward="CASE WHEN street IS NOT NULL OR city IS NOT NULL THEN coalesce(street, '') || ', ' || coalesce(city, '') END",
        lossy=True,
    )


def amount(op: Operations) -> None:
    op.change_type("items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True)


@pytest.fixture
def addresses(shop: Shop) -> Shop:
    shop.make(CUSTOMERS, "INSERT INTO items VALUES (1, 'old', '1 Road, Town'), (2, 'old', 'nowhere')")
    shop.migrate(parts)
    return shop


@pytest.fixture
def amounts(shop: Shop) -> Shop:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount text)", "INSERT INTO items VALUES (1, '5')")
    shop.migrate(amount)
    return shop


def test_blue_inserts_and_updates(addresses: Shop) -> None:
    addresses.sql("INSERT INTO items (id, address) VALUES (3, '3 Road, Town')")
    assert addresses.row("street, city", 3) == ("3 Road", "Town")
    addresses.sql("UPDATE items SET address = '4 Road, City' WHERE id = 3")
    assert addresses.row("street, city", 3) == ("4 Road", "City")
    addresses.sql("UPDATE items SET address = NULL WHERE id = 3")
    assert addresses.row("street, city", 3) == (None, None)


def test_green_inserts_and_updates(addresses: Shop) -> None:
    addresses.sql("INSERT INTO items (id, street, city) VALUES (3, '3 Road', 'Town')")
    assert addresses.row("address", 3) == ("3 Road, Town",)
    addresses.sql("UPDATE items SET city = 'City' WHERE id = 3")
    assert addresses.row("address", 3) == ("3 Road, City",)
    assert addresses.repairs() == []


def test_full_row_writes_of_what_was_read_change_nothing(addresses: Shop) -> None:
    """As object mappers do: every column is in the statement, one has changed."""
    addresses.sql("UPDATE items SET note = 'n', address = address, street = street, city = city")
    assert addresses.row("note, address, street, city") == ("n", "1 Road, Town", None, None)
    assert addresses.repairs() == []


def test_an_insert_with_all_new_columns_null_is_blues(addresses: Shop) -> None:
    addresses.sql("INSERT INTO items (id, address, street, city) VALUES (3, '3 Road, Town', NULL, NULL)")
    assert addresses.row("address, street, city", 3) == ("3 Road, Town", "3 Road", "Town")


def test_both_sides_written_and_agreeing(amounts: Shop) -> None:
    amounts.sql("INSERT INTO items (id, amount, cents) VALUES (2, '007', 7)")
    amounts.sql("UPDATE items SET amount = '08', cents = 8 WHERE id = 1")
    assert (amounts.row("amount, cents", 2), amounts.row("amount, cents", 1)) == (("007", 7), ("08", 8))
    assert amounts.repairs() == []


def test_both_sides_written_and_disagreeing_the_new_one_wins(amounts: Shop) -> None:
    amounts.sql("INSERT INTO items (id, amount, cents) VALUES (2, '3', 7)")
    amounts.sql("UPDATE items SET amount = '4', cents = 8 WHERE id = 1")
    assert (amounts.row("amount, cents", 2), amounts.row("amount, cents", 1)) == (("7", 7), ("8", 8))
    reason = "both sides were written and disagree; the new one was kept"
    assert amounts.repairs() == [("2", {"amount": "3"}, reason), ("1", {"amount": "4"}, reason)]


def test_what_does_not_convert_fails_nobody_and_is_told(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET amount = 'many' WHERE id = 1")
    assert amounts.row("amount, cents") == ("many", None)
    assert amounts.repairs() == [("1", {"amount": "many"}, "does not convert: 22P02")]
    assert amounts.divergent("items_cents") == 0


def test_an_unparsed_original_is_kept_when_green_sets_one_part(addresses: Shop) -> None:
    """The silent loss: the parts were NULL, so the derived address would have been the one part alone."""
    addresses.sql("UPDATE items SET city = 'Town' WHERE id = 2")
    assert addresses.row("address, street, city", 2) == (", Town", None, "Town")
    assert ("2", {"address": "nowhere"}, "overwritten: the new side did not hold it") in addresses.repairs()


def test_an_original_that_does_not_survive_is_kept(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET amount = '007' WHERE id = 1")
    assert (amounts.row("amount, cents"), amounts.repairs()) == (("007", 7), [])
    amounts.sql("UPDATE items SET cents = 8 WHERE id = 1")
    assert amounts.row("amount, cents") == ("8", 8)
    assert amounts.repairs() == [("1", {"amount": "007"}, "overwritten: the new side did not hold it")]


def test_a_new_value_that_the_old_side_cannot_hold(addresses: Shop) -> None:
    addresses.sql("INSERT INTO items (id, street, city) VALUES (3, '3 Road, Back', 'Town')")
    assert addresses.row("address, street, city", 3) == ("3 Road, Back, Town", "3 Road, Back", "Town")
    assert [entry[:2] for entry in addresses.repairs()] == [("3", {"street": "3 Road, Back", "city": "Town"})]
    assert addresses.divergent("items_street") == 2


def test_the_same_entry_is_not_doubled(amounts: Shop) -> None:
    for _ in range(3):
        amounts.sql("UPDATE items SET amount = '1' WHERE id = 1")
        amounts.sql("UPDATE items SET amount = 'many' WHERE id = 1")
    assert len(amounts.repairs()) == 1


def test_an_upsert_tells_of_the_row_that_it_did_not_insert(amounts: Shop) -> None:
    """The trigger fires for the proposed row first; who reads the entry reads the row again."""
    amounts.sql("INSERT INTO items (id, amount) VALUES (1, 'many') ON CONFLICT (id) DO UPDATE SET amount = '6'")
    assert amounts.row("amount, cents") == ("6", 6)
    assert amounts.repairs() == [("1", {"amount": "many"}, "does not convert: 22P02")]


def test_upserts_of_both_sides(addresses: Shop) -> None:
    upsert = "INSERT INTO items (id, {0}) VALUES (%s, {1}) ON CONFLICT (id) DO UPDATE SET ({0}) = ROW({2})"
    blue = upsert.format("address", "'b, B'", "excluded.address")
    green = upsert.format("street, city", "'g', 'G'", "excluded.street, excluded.city")
    for key in (1, 5):
        addresses.sql(blue, [key])
        assert addresses.row("address, street, city", key) == ("b, B", "b", "B")
        addresses.sql(green, [key])
        assert addresses.row("address, street, city", key) == ("g, G", "g", "G")


def test_excluded_is_what_the_trigger_made_of_the_proposed_row(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET amount = '6' WHERE id = 1")
    upsert = "INSERT INTO items (id, {}) VALUES (1, {}) ON CONFLICT (id) DO UPDATE SET {} RETURNING amount, cents"
    assert amounts.sql(upsert.format("amount", "'7'", "cents = excluded.cents")) == [("7", 7)]
    assert amounts.sql(upsert.format("cents", "8", "amount = excluded.amount")) == [("8", 8)]
    assert amounts.sql(upsert.format("amount", "'9'", "amount = excluded.amount, cents = excluded.cents")) == [("9", 9)]
    assert amounts.repairs() == []


def test_copy(addresses: Shop) -> None:
    with addresses.database.connect() as connection, connection.cursor() as cursor:
        with cursor.copy("COPY items (id, address) FROM STDIN") as copy:
            for number in range(10, 13):
                copy.write_row((number, f"{number} Road, Town"))
        with cursor.copy("COPY items (id, street, city) FROM STDIN") as copy:
            for number in range(20, 23):
                copy.write_row((number, f"{number} Road", "Town"))
    assert addresses.sql(
        "SELECT count(*) FROM items WHERE id >= 10 AND address = street || ', Town' AND city = 'Town'"
    ) == [(6,)]


def test_entries_follow_a_row_that_changes_its_key(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET amount = 'many' WHERE id = 1")
    amounts.sql("UPDATE items SET id = 9 WHERE id = 1")
    assert amounts.repairs() == [("9", {"amount": "many"}, "does not convert: 22P02")]
    assert amounts.divergent("items_cents") == 0


def test_a_default_of_the_old_side_does_not_look_like_blue(shop: Shop) -> None:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount text NOT NULL DEFAULT '0')")
    shop.migrate(amount)
    shop.sql("INSERT INTO items (id, cents) VALUES (1, 5)")
    shop.sql("INSERT INTO items (id) VALUES (2)")
    assert (shop.row("amount, cents", 1), shop.row("amount, cents", 2)) == (("5", 5), ("0", 0))
    assert shop.repairs() == []


def test_a_hostile_search_path_hijacks_nothing(addresses: Shop) -> None:
    addresses.sql("""
        CREATE SCHEMA evil;
        CREATE FUNCTION evil.boom(text, text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $x$hijacked$x$; END';
        CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.boom);
        CREATE FUNCTION evil.split_part(text, text, int) RETURNS text LANGUAGE sql AS 'SELECT $x$hijacked$x$';
    """)
    with addresses.database.connect() as connection:
        connection.execute("SET search_path = evil, pg_catalog, public")
        connection.execute("UPDATE items SET address = 'b, B' WHERE id = 1")
        connection.execute("INSERT INTO items (id, street, city) VALUES (3, 'g', 'G')")
    assert (addresses.row("street, city", 1), addresses.row("address", 3)) == (("b", "B"), ("g, G",))
    assert addresses.repairs() == []


@pytest.mark.parametrize("revoked", ["USAGE ON SCHEMA seachange", "ALL ON FUNCTION public.split(text)"])
def test_a_writer_needs_no_right_to_anything_of_ours(addresses: Shop, revoked: str) -> None:
    addresses.sql(f"REVOKE {revoked} FROM PUBLIC; CREATE ROLE {addresses.database.name}_writer")
    addresses.sql(f"GRANT SELECT, INSERT, UPDATE ON items TO {addresses.database.name}_writer")
    with addresses.database.connect() as connection:
        connection.execute(f"SET ROLE {addresses.database.name}_writer")
        connection.execute("UPDATE items SET address = 'b, B' WHERE id = 1")
        connection.execute("UPDATE items SET address = 'unparsable' WHERE id = 2")
        connection.execute("INSERT INTO items (id, street, city) VALUES (3, 'g', 'G')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("""SELECT seachange."items_street~to_repair"('{}', '{}', 'forged')""")
    assert (addresses.row("street, city", 1), addresses.row("address", 3)) == (("b", "B"), ("g, G",))
    assert [entry[:2] for entry in addresses.repairs()] == [("2", {"address": "unparsable"})]


def test_a_cancellation_is_the_writers_own(shop: Shop) -> None:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)",
        """CREATE FUNCTION slow(amount text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
           $$BEGIN PERFORM pg_sleep(20); RETURN amount::int; END$$""",
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="public.slow(amount)", backward="cents::text", lossy=True
        )
    )
    with shop.database.connect() as connection:
        connection.execute("SET statement_timeout = 200")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("INSERT INTO items (id, amount) VALUES (1, '1')")


def test_what_cannot_be_recorded_is_logged_and_fails_nobody(amounts: Shop) -> None:
    amounts.sql("ALTER TABLE seachange.repair ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    warnings: list[str] = []
    with amounts.database.connect() as connection:
        connection.add_notice_handler(lambda notice: warnings.append(str(notice.message_primary)))
        connection.execute("UPDATE items SET amount = 'many' WHERE id = 1")
    assert amounts.row("amount, cents") == ("many", None)
    assert len(warnings) == 1
    assert "could not be recorded for repair" in warnings[0]
    assert amounts.divergent("items_cents") == 1
