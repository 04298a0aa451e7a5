"""`seachange repair`: what it says, answers and keeps to itself."""

import json

import pytest

from tests.cli.running import Commands, url_of
from tests.migrations.databases import Database
from tests.migrations.sync.shop import Shop


@pytest.fixture
def url(database: Database) -> str:
    shop = Shop(database)
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, amount text)", "INSERT INTO items VALUES (1, 'secret'), (2, '5')"
    )
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True
        )
    )
    shop.migrate(lambda op: op.backfill("items", sync="items_cents"))
    return url_of(database.master)


def test_list_retry_and_resolve(seachange: Commands, database: Database, url: str) -> None:
    listed = seachange("repair", "list", "--url", url)
    assert listed.code == 1
    assert "1  waits  items_cents  id 1  does not convert: 22P02" in listed.out
    assert "secret" not in listed.out
    shown = seachange("repair", "list", "--url", url, "--show-values", "--format", "json")
    (entry,) = json.loads(shown.out)["entries"]
    assert (entry["original"], entry["row"]) == ({"amount": "secret"}, {"amount": "secret", "cents": None})
    hidden = json.loads(seachange("repair", "list", "--url", url, "--format", "json").out)
    assert hidden["schema"] == "seachange.repair/1"
    assert "original" not in hidden["entries"][0]
    assert seachange("repair", "retry", "--url", url, "--sync", "items_cents").code == 1
    database.rows("UPDATE items SET amount = '6' WHERE id = 1")
    retried = seachange("repair", "retry", "1", "--url", url)
    assert (retried.code, "1  settled  items_cents" in retried.out) == (0, True)
    assert seachange("repair", "list", "--url", url).out == "nothing waits for repair\n"


def test_resolve(seachange: Commands, url: str) -> None:
    assert seachange("repair", "resolve", "7", "--url", url).code == 2
    assert "there is no entry 7" in seachange("repair", "resolve", "1", "7", "--url", url).one_line()
    assert seachange("repair", "resolve", "1", "--url", url).code == 0
    assert seachange("repair", "list", "--url", url).code == 0


def test_bad_input(seachange: Commands, url: str) -> None:
    ran = seachange("repair", "list", "--url", url, "--sync", "other")
    assert (ran.code, "there is no sync 'other'" in ran.one_line()) == (2, True)
    assert seachange("repair", "list", "--url", "mysql://shop").code == 2
