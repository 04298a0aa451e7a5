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
        "CREATE TABLE items (id int PRIMARY KEY, amount text CHECK (length(amount) < 7))",
        "INSERT INTO items VALUES (1, 'secret'), (2, '5')",
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
    assert listed.out.splitlines()[-1] == (
        "remedy (does not convert: 22P02): correct the row, or the conversion function (CREATE OR REPLACE), then `seachange repair retry`"
    )
    shown = seachange("repair", "list", "--url", url, "--show-values", "--format", "json")
    (entry,) = json.loads(shown.out)["entries"]
    assert (entry["original"], entry["row"]) == ({"amount": "secret"}, {"amount": "secret", "cents": None})
    hidden = json.loads(seachange("repair", "list", "--url", url, "--format", "json").out)
    assert hidden["schema"] == "seachange.repair/1"
    assert "original" not in hidden["entries"][0]
    assert seachange("repair", "retry", "--url", url, "--sync", "items_cents").code == 1
    database.rows("UPDATE items SET amount = '6' WHERE id = 1")
    retried = seachange("repair", "retry", "1", "--url", url)
    assert (retried.code, "1  settled  items_cents" in retried.out, "remedy" in retried.out) == (0, True, False)
    assert seachange("repair", "list", "--url", url).out == "nothing waits for repair\n"


def test_what_nothing_waits_for(seachange: Commands, database: Database, url: str) -> None:
    database.rows("DELETE FROM items WHERE id = 1")
    assert seachange("repair", "list", "--url", url).out.endswith(": `seachange repair retry` drops it\n")
    seachange("repair", "retry", "--url", url)
    database.rows("UPDATE items SET cents = 7000000 WHERE id = 2")
    listed = seachange("repair", "list", "--url", url)
    entry, remedy = listed.out.splitlines()
    assert (listed.code, "  kept  items_cents  id 2  does not convert back: " in entry) == (0, True)
    assert "nothing, if older releases may go on" in remedy
    # Somebody has written since: the new side does not hold it any more.
    database.rows("UPDATE items SET cents = 8 WHERE id = 2; UPDATE items SET amount = 'x' WHERE id = 2")
    listed = seachange("repair", "list", "--url", url)
    assert (listed.code, "  waits  items_cents  id 2  does not convert back: " in listed.out) == (1, True)
    assert "the entry is the only copy" in listed.out


def test_what_endangers_a_sync(seachange: Commands, database: Database, url: str) -> None:
    database.rows("UPDATE items SET amount = NULL WHERE id = 1")
    seachange("repair", "resolve", "1", "--url", url)
    database.rows("CREATE UNIQUE INDEX once ON items (cents)")
    listed = seachange("repair", "list", "--url", url)
    problem, entries = listed.out.splitlines()
    assert (listed.code, entries) == (1, "nothing waits for repair")
    assert problem.startswith("problem: public.items, sync items_cents: once makes the new side unique")
    assert problem.endswith("op.add_unique in the contract revision, after op.drop_synced")
    told = json.loads(seachange("repair", "list", "--url", url, "--sync", "items_cents", "--format", "json").out)
    assert (told["entries"], [f"problem: {line}" for line in told["problems"]]) == ([], [problem])


def test_resolve(seachange: Commands, database: Database, url: str) -> None:
    assert seachange("repair", "resolve", "7", "--url", url).code == 2
    assert "there is no entry 7" in seachange("repair", "resolve", "1", "7", "--url", url).one_line()
    assert "UPDATE the row" in seachange("repair", "resolve", "1", "--url", url).one_line()
    database.rows("UPDATE items SET amount = NULL WHERE id = 1")
    assert seachange("repair", "resolve", "1", "--url", url).code == 0
    assert seachange("repair", "list", "--url", url).code == 0


def test_bad_input(seachange: Commands, url: str) -> None:
    ran = seachange("repair", "list", "--url", url, "--sync", "other")
    assert (ran.code, "there is no sync 'other'" in ran.one_line()) == (2, True)
    assert seachange("repair", "list", "--url", "mysql://shop").code == 2
    assert "there is no entry 9" in seachange("repair", "retry", "1", "9", "--url", url).one_line()
    for command in (("list",), ("retry",), ("resolve", "1")):
        away = seachange("repair", *command, "--url", "postgresql://127.0.0.1:9/shop?sslmode=disable")
        assert (away.code, away.out) == (2, "")
        assert away.one_line()
    assert seachange("repair", "resolve", "one", "--url", url).code == 2


def test_help_that_teaches(seachange: Commands) -> None:
    for command in ("list", "retry", "resolve"):
        told = seachange("repair", command, "--help").out
        assert f"seachange repair {command} " in told
        assert "Exit code 0" in " ".join(told.split())
