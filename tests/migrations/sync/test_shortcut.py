"""The backfill's shortcut, which fills many rows at once, leaves what the trigger would leave, row by row."""

import pytest

from seachange_migrations.backfill.batch import Batches
from tests.migrations.sync.shop import Shop

ROWS = 4_000
TWO = (
    "CREATE FUNCTION two(name text, OUT last text, OUT first text) LANGUAGE sql IMMUTABLE "
    "RETURN (split_part(name, ' ', 2), split_part(name, ' ', 1))"
)
NUMBER = {"new": {"number": "int"}, "forward": "name::int", "backward": "number::text", "lossy": True}
NAMES = {
    "new": {"first": "text", "last": "text"},
    "forward": {"first": "split_part(name, ' ', 1)", "last": "split_part(name, ' ', 2)"},
    "backward": "first || ' ' || last",
    "lossy": True,
}


def make(shop: Shop, value: str, *more: str, **sync: object) -> None:
    """A table with rows that were there before its sync."""
    shop.make(
        "CREATE TABLE items (id int PRIMARY KEY, name text)",
        f"INSERT INTO items SELECT i, {value} FROM generate_series(1, {ROWS}) AS i",
        *more,
    )
    shop.migrate(lambda op: op.sync_columns("items", old="name", name="pair", **sync))


def fill(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Runs the backfill; the rows that it wrote by the shortcut, and by the trigger."""
    by = {"fill": 0, "write": 0}

    def counted(way: str) -> None:
        real = getattr(Batches, f"_{way}")

        def called(*arguments: object, **named: object) -> int:
            rows = int(real(*arguments, **named))
            by[way] += rows
            return rows

        monkeypatch.setattr(Batches, f"_{way}", called)

    for way in by:
        counted(way)
    shop.migrate(lambda op: op.backfill("items", sync="pair"))
    return by["fill"], by["write"]


def test_most_rows_take_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make(shop, "'a b'", **NAMES)
    filled, written = fill(shop, monkeypatch)
    assert filled > written
    assert (filled + written, shop.divergent("pair"), shop.repairs()) == (ROWS, 0, [])
    assert shop.sql("SELECT DISTINCT first, last FROM items") == [("a", "b")]


def test_a_record_is_taken_apart_by_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make(shop, "'a b'", TWO, **{**NAMES, "forward": "two(name)"})
    assert fill(shop, monkeypatch)[0] > 0
    assert shop.sql("SELECT DISTINCT first, last FROM items") == [("a", "b")]
    assert shop.divergent("pair") == 0


def test_a_page_that_does_not_convert_goes_the_triggers_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make(shop, f"CASE WHEN i = {ROWS} - 5 THEN 'none' ELSE i::text END", **NUMBER)
    filled, written = fill(shop, monkeypatch)
    assert filled > 0
    assert written > 0
    assert [(key, original) for key, original, _ in shop.repairs()] == [(str(ROWS - 5), {"name": "none"})]
    assert shop.divergent("pair") == 0
    assert shop.sql("SELECT count(*) FROM items WHERE number = id") == [(ROWS - 1,)]


def test_what_waits_for_repair_is_left_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    make(shop, "i::text", **NUMBER)
    shop.sql("UPDATE items SET name = 'none' WHERE id = 3000")
    shop.sql("ALTER TABLE items DISABLE TRIGGER USER")
    shop.sql("UPDATE items SET name = '3000' WHERE id = 3000")
    shop.sql("ALTER TABLE items ENABLE TRIGGER USER")
    assert fill(shop, monkeypatch)[0] == 0
    assert shop.row("number", 3000) == (None,)
    assert shop.sql("SELECT count(*) FROM items WHERE number = id") == [(ROWS - 1,)]


def test_what_a_users_trigger_makes_of_a_row_is_derived_from(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tidy = "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$"
    trigger = "CREATE TRIGGER a_tidy BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION tidy()"
    make(shop, "'a b'", tidy, trigger, **NAMES)
    assert fill(shop, monkeypatch) == (0, ROWS)
    assert shop.sql("SELECT DISTINCT name, first, last FROM items") == [("A B", "A", "B")]
