"""What ends an entry for repair: never before its original is safe, and contract is not kept waiting for what it loses nothing of."""

import pytest

from seachange_migrations.errors import RefusedError
from seachange_migrations.sync import repair
from tests.migrations.sync.shop import Shop


@pytest.fixture
def codes(shop: Shop) -> Shop:
    """Three letters on the old side, any text on the new one; a number is not text that converts back."""
    shop.make(
        "CREATE TABLE items (id int, part date, code varchar(3), PRIMARY KEY (id, part))",
        "INSERT INTO items VALUES (1, '2024-02-03', 'abc'), (2, '2024-02-03', 'xyz')",
    )
    shop.migrate(
        lambda op: op.change_type("items", "code", "v", "text", forward="code", backward="lower(v)", lossy=True)
    )
    shop.migrate(lambda op: op.backfill("items", sync="items_v"))
    return shop


def contract(shop: Shop) -> None:
    shop.migrate(lambda op: op.drop_synced("items", sync="items_v"), revision="c1")


def states(shop: Shop) -> list[tuple[str, bool]]:
    with shop.connection() as connection:
        return [(entry.reason.split(":")[0], entry.settled) for entry in repair.entries(connection)]


def test_contract_keeps_what_only_the_new_side_can_hold(codes: Shop) -> None:
    """Neither of these has lost anything: what the new release wrote is where it wrote it."""
    codes.sql("UPDATE items SET v = 'longer' WHERE id = 1; UPDATE items SET v = 'XYZ' WHERE id = 2")
    assert codes.sql("SELECT code, v FROM items ORDER BY id") == [("abc", "longer"), ("xyz", "XYZ")]
    assert len(codes.repairs()) == 2
    contract(codes)
    assert codes.sql("SELECT id, v FROM items ORDER BY id") == [(1, "longer"), (2, "XYZ")]
    assert codes.repairs() == []


def test_contract_waits_for_an_original_that_only_the_old_side_holds(codes: Shop) -> None:
    codes.sql("UPDATE items SET v = 'XYZ' WHERE id = 2; UPDATE items SET v = 'ABC', code = 'old' WHERE id = 1")
    with pytest.raises(RefusedError, match="1 originals"):
        contract(codes)
    assert len(codes.repairs()) == 3


def test_an_overwritten_original_is_not_settled_by_its_successor(codes: Shop) -> None:
    """The row is in step, and the original in no column: a retry must not be what drops it for good."""
    codes.sql("UPDATE items SET v = 'new', code = 'old' WHERE id = 1")
    assert codes.sql("SELECT code, v FROM items WHERE id = 1") == [("new", "new")]
    assert states(codes) == [("both sides were written and disagree; the new one was kept", False)]
    with codes.connection() as connection:
        assert [entry.settled for entry in repair.retry(connection)] == [False]
    codes.sql("UPDATE items SET code = 'old' WHERE id = 1")
    assert [settled for _, settled in states(codes)] == [True]


def test_what_still_protects_a_row_is_not_resolved(codes: Shop) -> None:
    """Without its entry the next backfill would take the row for one that it has missed, and overwrite what was written."""
    codes.sql("UPDATE items SET v = 'longer' WHERE id = 1")
    ((number,),) = codes.sql("SELECT id FROM seachange.repair")
    with (
        codes.connection() as connection,
        pytest.raises(RefusedError, match=rf"entry {number}.*not in step.*backfill.*UPDATE"),
    ):
        repair.resolve(connection, [number])
    assert len(codes.repairs()) == 1
    codes.sql("UPDATE items SET v = 'new', code = 'old' WHERE id = 1")
    with codes.connection() as connection:
        repair.resolve(connection, [number, number + 1])
    assert codes.repairs() == []


def test_one_of_two_entries_of_a_row_is_enough_to_protect_it(codes: Shop) -> None:
    codes.sql("UPDATE items SET v = 'longer' WHERE id = 1; UPDATE items SET v = 'longest' WHERE id = 1")
    (one,), (two,) = codes.sql("SELECT id FROM seachange.repair ORDER BY id")
    with codes.connection() as connection:
        repair.resolve(connection, [one])
        with pytest.raises(RefusedError, match=f"entry {two}"):
            repair.resolve(connection, [two])
    assert codes.divergent("items_v") == 0


def test_entries_of_a_sync_that_is_gone_can_be_resolved(codes: Shop) -> None:
    codes.sql("INSERT INTO seachange.repair (sync, key, original, reason) VALUES ('gone', '{}', '{}', 'x')")
    ((number,),) = codes.sql("SELECT id FROM seachange.repair")
    with codes.connection() as connection:
        repair.resolve(connection, [number])
    assert codes.repairs() == []
