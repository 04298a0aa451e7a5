"""From entry to settlement: what is listed, what a retry converts, what only people can settle."""

import pytest

from seachange_migrations.errors import RefusedError
from seachange_migrations.sync import repair
from tests.migrations.sync.shop import Shop

STRICT = "CREATE FUNCTION cents(amount text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT amount::int'"
LENIENT = "CREATE OR REPLACE FUNCTION cents(amount text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT replace(amount, $$,$$, $$$$)::int'"


@pytest.fixture
def amounts(shop: Shop) -> Shop:
    shop.make(
        STRICT,
        "CREATE TABLE known (code text PRIMARY KEY)",
        "INSERT INTO known VALUES ('1'), ('5'), ('1,000'), ('x')",
        "CREATE TABLE items (id int PRIMARY KEY, amount text CONSTRAINT known REFERENCES known)",
        "INSERT INTO items VALUES (1, '5'), (2, '1,000'), (3, 'x')",
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="cents(amount)", backward="cents::text", lossy=True
        )
    )
    shop.migrate(lambda op: op.backfill("items", sync="items_cents"))
    return shop


def listed(shop: Shop) -> list[tuple[str, bool]]:
    with shop.connection() as connection:
        return [(entry.key["id"], entry.settled) for entry in repair.entries(connection, "items_cents")]


def retried(shop: Shop, *ids: int) -> list[tuple[str, bool]]:
    with shop.connection() as connection:
        return [(entry.key["id"], entry.settled) for entry in repair.retry(connection, "items_cents", ids)]


def test_the_backfill_records_what_does_not_convert_and_is_proven(amounts: Shop) -> None:
    assert listed(amounts) == [("2", False), ("3", False)]
    assert amounts.sql("SELECT proven_at IS NOT NULL FROM seachange.backfill") == [(True,)]
    assert amounts.sql("SELECT amount, cents FROM items ORDER BY id") == [("5", 5), ("1,000", None), ("x", None)]


def test_entries_of_rows_that_are_right_by_now_or_gone_are_settled(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET amount = '1' WHERE id = 2")
    amounts.sql("DELETE FROM items WHERE id = 3")
    assert listed(amounts) == [("2", True), ("3", True)]
    assert retried(amounts) == [("2", True), ("3", True)]
    assert amounts.repairs() == []


def test_an_entry_of_a_row_that_was_never_inserted_is_settled(amounts: Shop) -> None:
    amounts.sql("INSERT INTO items VALUES (1, 'x') ON CONFLICT (id) DO NOTHING")
    assert listed(amounts) == [("2", False), ("3", False), ("1", True)]


def test_a_retry_converts_with_the_mended_function(amounts: Shop) -> None:
    assert retried(amounts) == [("2", False), ("3", False)]
    amounts.make(LENIENT)
    assert retried(amounts) == [("2", True), ("3", False)]
    assert amounts.row("amount, cents", 2) == ("1,000", 1000)
    assert [entry[0] for entry in amounts.repairs()] == ["3"]


def test_a_retry_converts_back_what_the_old_side_would_not_take(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET cents = 7 WHERE id = 1")
    assert amounts.row("amount, cents") == ("5", 7)
    amounts.sql("INSERT INTO known VALUES ('7')")
    assert retried(amounts) == [("2", False), ("3", False), ("1", True)]
    assert amounts.row("amount, cents") == ("7", 7)


def test_a_retry_leaves_alone_what_somebody_has_written_since(amounts: Shop) -> None:
    amounts.sql("UPDATE items SET cents = 8 WHERE id = 1")
    amounts.sql("UPDATE items SET cents = 9 WHERE id = 1")
    amounts.sql("INSERT INTO known VALUES ('8')")
    (first, *_) = [
        number for number, _ in enumerate(amounts.repairs()) if amounts.repairs()[number][1] == {"cents": "8"}
    ]
    ids = amounts.sql("SELECT id FROM seachange.repair ORDER BY id")
    assert retried(amounts, ids[first][0]) == [("1", False)]
    assert amounts.row("amount, cents") == ("5", 9)


def test_resolve_drops_all_or_none(amounts: Shop) -> None:
    (one,), (two,) = amounts.sql("SELECT id FROM seachange.repair ORDER BY id")
    amounts.sql("UPDATE items SET amount = '1' WHERE id = 2")
    with amounts.connection() as connection:
        with pytest.raises(RefusedError, match="there is no entry 999"):
            repair.resolve(connection, [one, 999])
        assert len(amounts.repairs()) == 2
        repair.resolve(connection, [one])
    assert amounts.sql("SELECT id FROM seachange.repair") == [(two,)]


def test_an_unknown_sync_is_told(amounts: Shop) -> None:
    with (
        amounts.connection() as connection,
        pytest.raises(RefusedError, match="no sync 'other' in this database; it has 'items_cents'"),
    ):
        repair.entries(connection, "other")
    with amounts.connection() as connection, pytest.raises(RefusedError, match="there is no entry 999"):
        repair.retry(connection, None, [999])


def test_a_database_without_our_schema(shop: Shop) -> None:
    with shop.connection() as connection:
        assert repair.entries(connection) == []
