"""`op.rename_column`, `op.change_type` and `op.sync_columns` as their author calls them: what they make, and what they say of a wrong call."""

from typing import Any

import pytest
import sqlalchemy as sa

from seachange_migrations.backfill.errors import BackfillFailedError
from seachange_migrations.errors import InvalidRequestError, RefusedError
from tests.migrations.sync.shop import Shop


@pytest.fixture
def items(shop: Shop) -> Shop:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text, count int)",
        "INSERT INTO items VALUES (1, '1', 1), (2, '2', 2)",
    )
    return shop


def test_both_releases_live_with_a_rename(items: Shop) -> None:
    items.migrate(
        lambda op: (
            op.rename_column("items", "count", "Number of", type_=sa.Integer),
            op.backfill("items", sync="items_Number of"),
        )
    )
    items.sql("UPDATE items SET count = 5 WHERE id = 1")
    items.sql('UPDATE items SET "Number of" = 6 WHERE id = 2')
    assert items.sql('SELECT count, "Number of" FROM items ORDER BY id') == [(5, 5), (6, 6)]


def test_a_rename_that_names_another_type(items: Shop) -> None:
    with pytest.raises(RefusedError, match=r'backward for count, "number".*integer'):
        items.migrate(lambda op: op.rename_column("items", "count", "number", type_="text"))


def test_a_type_that_loses_nothing(items: Shop) -> None:
    items.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", sa.Integer(), forward="amount::int", backward="cents::text"
        )
    )
    items.sql("UPDATE items SET amount = '7' WHERE id = 1")
    items.sql("UPDATE items SET cents = 8 WHERE id = 2")
    assert items.sql("SELECT amount, cents FROM items ORDER BY id") == [("7", 7), ("8", 8)]


def test_a_type_that_loses_something_must_say_so(items: Shop) -> None:
    items.sql("UPDATE items SET amount = '007' WHERE id = 2")

    def change(*, lossy: bool) -> None:
        items.migrate(
            lambda op: op.change_type(
                "items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=lossy
            )
        )

    with pytest.raises(RefusedError, match=r'declared lossless, but the row \{"id": "2"\}.*lossy=True'):
        change(lossy=False)
    change(lossy=True)
    items.migrate(lambda op: op.backfill("items", sync="items_cents"))
    items.sql("UPDATE items SET cents = 9 WHERE id = 2")
    assert items.row("amount, cents", 2) == ("9", 9)
    assert [(key, original) for key, original, _ in items.repairs()] == [("2", {"amount": "007"})]


SYNC: dict[str, Any] = {
    "old": "amount",
    "new": {"cents": "int"},
    "forward": "amount::int",
    "backward": "cents::text",
    "lossy": True,
}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"old": []}, InvalidRequestError, "old and new each name one column or more, none of them twice"),
        ({"new": {}}, InvalidRequestError, "old and new each name one column or more, none of them twice"),
        ({"old": ["amount", "amount"]}, InvalidRequestError, "none of them twice"),
        ({"new": {"amount": "int"}}, InvalidRequestError, "none of them twice"),
        ({"old": "nothing"}, RefusedError, "has no column nothing"),
        (
            {"new": {"count": "int"}, "backward": "count::text"},
            RefusedError,
            "has a column count already.*take another name",
        ),
        (
            {"new": {"cents": "no_type"}},
            RefusedError,
            r'cannot have the new columns cents.*type "no_type" does not exist',
        ),
        ({"new": {"cents": "int NOT NULL"}}, RefusedError, "cannot have the new columns|would be NOT NULL"),
        ({"new": {"cents": "int DEFAULT 1"}}, RefusedError, "have a default"),
        ({"forward": {"other": "amount"}}, RefusedError, "forward gives other; it must give cents"),
        ({"forward": "amount ||"}, RefusedError, "forward for cents.*syntax error"),
        ({"forward": "count"}, RefusedError, 'forward for cents.*column "count" does not exist'),
        ({"forward": "random()::int"}, RefusedError, "forward for cents.*not immutable.*IMMUTABLE"),
        ({"forward": "(SELECT 1)"}, RefusedError, "forward for cents.*subquery"),
        ({"backward": "amount"}, RefusedError, r'column "amount" does not exist.*columns of the other side alone'),
        (
            {"new": [sa.Column("cents", sa.Integer, nullable=False)]},
            RefusedError,
            "new column cents has nullable=False.*op.drop_synced",
        ),
        ({"new": [sa.Column("cents", sa.Integer, unique=True, index=True)]}, RefusedError, "cents has unique, index"),
        ({"new": [sa.Column("cents", sa.Integer, sa.ForeignKey("items.id"))]}, RefusedError, "cents has a foreign key"),
        ({"schema": "nowhere"}, RefusedError, "there is no table nowhere.items"),
    ],
)
def test_a_wrong_call_is_told_and_changes_nothing(
    items: Shop, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        items.migrate(lambda op: op.sync_columns("items", **(SYNC | changed)))
    assert "\n" not in str(raised.value)
    assert items.sql("SELECT * FROM items LIMIT 1") == [(1, "1", 1)]
    assert items.sql("SELECT to_regclass('seachange.sync')") == [(None,)]


@pytest.mark.parametrize("operation", ["sync_columns", "drop_synced"])
def test_what_is_one_transaction_is_not_called_where_each_statement_is_one(items: Shop, operation: str) -> None:
    def body(op: Any) -> None:
        with op.get_context().autocommit_block():
            if operation == "drop_synced":
                op.drop_synced("items", sync="items_cents")
            else:
                op.sync_columns("items", **(SYNC | {"new": {"euro": "int"}, "backward": "euro::text"}))

    items.migrate(lambda op: op.sync_columns("items", **SYNC))
    items.migrate(lambda op: op.backfill("items", sync="items_cents"))
    with pytest.raises(InvalidRequestError, match=r"in one transaction: call it outside of autocommit_block\(\)"):
        items.migrate(body)


def test_a_backfill_whose_rows_stay_behind_is_told(items: Shop) -> None:
    with pytest.raises(BackfillFailedError, match=r"would never end"):
        items.migrate(lambda op: op.backfill("items", set={"count": "id"}, where="amount IS NOT NULL"))


def test_a_backfill_in_another_schema_with_names_that_need_quotes(shop: Shop) -> None:
    shop.make(
        'CREATE SCHEMA "S s"',
        'CREATE TABLE "S s"."Items" (id int PRIMARY KEY, "Full Name" text, "Ü" text)',
        """INSERT INTO "S s"."Items" VALUES (1, 'a', NULL), (2, NULL, NULL)""",
    )
    shop.migrate(
        lambda op: op.backfill("Items", set={"Ü": """coalesce("Full Name", '-')"""}, where='"Ü" IS NULL', schema="S s")
    )
    assert shop.sql('SELECT "Ü" FROM "S s"."Items" ORDER BY id') == [("a",), ("-",)]


def test_tables_of_one_name_in_two_schemas_take_syncs_of_two_names(shop: Shop) -> None:
    shop.make(
        "CREATE SCHEMA s", *(f"CREATE TABLE {table} (id int PRIMARY KEY, a text)" for table in ("items", "s.items"))
    )
    shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text"))
    with pytest.raises(
        RefusedError, match=r"a sync of this name stands on public.items: give this one another, name=…"
    ):
        shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text", schema="s"))
    shop.migrate(lambda op: op.rename_column("items", "a", "b", type_="text", schema="s", name="s_items_b"))
    shop.migrate(lambda op: op.backfill("items", sync="s_items_b", schema="s"))
    shop.sql("INSERT INTO s.items VALUES (1, 'x')")
    assert shop.row("a, b", table="s.items") == ("x", "x")
