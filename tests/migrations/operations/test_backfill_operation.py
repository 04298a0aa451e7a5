"""`op.backfill` turns what its author asks for into a backfill."""

from typing import Any

import pytest

from seachange_migrations.errors import InvalidRequestError, MigrationError
from seachange_migrations.running import Run, running
from tests.migrations.sync.shop import Shop


@pytest.fixture
def items(shop: Shop) -> Shop:
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, name text, token text)", "INSERT INTO items VALUES (1, 'a'), (2, 'b')"
    )
    return shop


def test_set_and_where(items: Shop) -> None:
    items.migrate(lambda op: op.backfill("items", set={"token": "upper(name)"}, where="token IS NULL"))
    assert items.sql("SELECT token FROM items ORDER BY id") == [("A",), ("B",)]
    assert items.sql("SELECT name, revision FROM seachange.backfill") == [("r1 public.items token", "r1")]


def test_of_a_sync(items: Shop) -> None:
    items.migrate(lambda op: op.rename_column("items", "name", "title", type_="text"))
    items.migrate(lambda op: op.backfill("items", sync="items_title"))
    assert items.sql("SELECT title FROM items ORDER BY id") == [("a",), ("b",)]
    assert items.sql("SELECT name FROM seachange.backfill") == [("items_title",)]


def test_in_the_revision_of_its_sync(items: Shop) -> None:
    items.migrate(
        lambda op: (op.rename_column("items", "name", "title", type_="text"), op.backfill("items", sync="items_title"))
    )
    assert items.divergent("items_title") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"sync": "a", "set": {"token": "1"}},
        {"set": {"token": "1"}},
        {"sync": "a", "where": "true"},
        {"where": "true"},
    ],
)
def test_neither_or_both(items: Shop, arguments: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError, match=r"give either sync=, or set= and where="):
        items.migrate(lambda op: op.backfill("items", **arguments))


def test_of_another_table(items: Shop) -> None:
    items.make("CREATE TABLE other (id int PRIMARY KEY)")
    items.migrate(lambda op: op.rename_column("items", "name", "title", type_="text"))
    with pytest.raises(InvalidRequestError, match=r"is one of public.items, not of public.other"):
        items.migrate(lambda op: op.backfill("other", sync="items_title"))


def test_what_is_left_to_workers(items: Shop) -> None:
    def body(op: Any) -> None:
        with running(Run(revision="r1", deferred_rows=0)):
            op.backfill("items", set={"token": "name"}, where="token IS NULL")

    with pytest.raises(MigrationError, match=r"larger than one call does"):
        items.migrate(body)
    assert items.sql("SELECT count(token) FROM items") == [(0,)]
