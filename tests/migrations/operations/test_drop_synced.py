"""The end of a sync: refused while anything would be lost, and then all of it goes at once."""

import threading

import psycopg
import pytest

from seachange_migrations.errors import InvalidRequestError, RefusedError
from tests.migrations.sync.shop import Shop


@pytest.fixture
def amounts(shop: Shop) -> Shop:
    shop.make("CREATE TABLE items (id int PRIMARY KEY, amount text)", "INSERT INTO items VALUES (1, '5'), (2, '6')")
    shop.migrate(
        lambda op: op.change_type(
            "items", "amount", "cents", "int", forward="amount::int", backward="cents::text", lossy=True
        )
    )
    return shop


def contract(shop: Shop) -> None:
    shop.migrate(lambda op: op.drop_synced("items", sync="items_cents"), revision="c1")


def backfill(shop: Shop) -> None:
    shop.migrate(lambda op: op.backfill("items", sync="items_cents"))


def test_all_of_it_goes(amounts: Shop) -> None:
    backfill(amounts)
    contract(amounts)
    assert amounts.sql("SELECT * FROM items ORDER BY id") == [(1, 5), (2, 6)]
    amounts.sql("INSERT INTO items (id, cents) VALUES (3, 7)")
    assert amounts.sql("SELECT count(*) FROM pg_proc WHERE pronamespace = 'seachange'::regnamespace") == [(0,)]
    assert amounts.sql("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == [(0,)]
    assert amounts.sql("SELECT count(*) FROM seachange.backfill") == [(0,)]


def test_its_revision_may_run_again_after_a_later_statement_died(amounts: Shop) -> None:
    backfill(amounts)
    contract(amounts)
    contract(amounts)


def test_the_name_may_be_used_again(amounts: Shop) -> None:
    backfill(amounts)
    contract(amounts)
    amounts.migrate(
        lambda op: op.sync_columns(
            "items", old="cents", new={"euro": "int"}, forward="cents", backward="euro", name="items_cents"
        )
    )
    amounts.migrate(lambda op: op.backfill("items", sync="items_cents"))
    contract(amounts)
    assert amounts.sql("SELECT id, euro FROM items ORDER BY id") == [(1, 5), (2, 6)]


def test_refused_while_rows_are_not_in_step(amounts: Shop) -> None:
    with pytest.raises(RefusedError, match=r"2 rows of public.items are not in step.*op.backfill"):
        contract(amounts)
    assert amounts.row("amount, cents") == ("5", None)


def test_refused_while_an_original_waits_for_repair(amounts: Shop) -> None:
    backfill(amounts)
    amounts.sql("UPDATE items SET amount = 'many' WHERE id = 1")
    with pytest.raises(RefusedError, match=r"1 originals of public.items wait for repair.*seachange repair retry"):
        contract(amounts)


def test_refused_when_the_trigger_is_off(amounts: Shop) -> None:
    backfill(amounts)
    amounts.make('ALTER TABLE items DISABLE TRIGGER "~seachange_items_cents"')
    with pytest.raises(RefusedError, match=r"gone or disabled.*run its backfill again"):
        contract(amounts)


def test_what_is_written_while_it_waits_for_the_lock_is_seen(amounts: Shop) -> None:
    """A value that does not convert, committed after the table was read and before the lock came."""
    backfill(amounts)
    failed: list[RefusedError] = []

    def attempt() -> None:
        try:
            contract(amounts)
        except RefusedError as error:
            failed.append(error)

    with amounts.database.connect() as writer:
        writer.execute("BEGIN")
        writer.execute("UPDATE items SET amount = 'many' WHERE id = 1")
        thread = threading.Thread(target=attempt)
        thread.start()
        waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'items'::regclass AND NOT granted)"
        while thread.is_alive() and amounts.sql(waits) == [(False,)]:
            pass
        writer.execute("COMMIT")
        thread.join()
    assert "wait for repair" in str(failed[0])
    assert amounts.row("amount") == ("many",)


def test_what_was_written_past_the_trigger_is_seen_under_the_lock(amounts: Shop) -> None:
    backfill(amounts)
    with amounts.database.connect() as writer:
        writer.execute("SET session_replication_role = replica")
        writer.execute("UPDATE items SET amount = '9' WHERE id = 1")
    with pytest.raises(RefusedError, match=r"1 rows of public.items are not in step"):
        contract(amounts)


def test_wrong_table_and_wrong_name(amounts: Shop) -> None:
    amounts.make("CREATE TABLE other (id int PRIMARY KEY)")
    with pytest.raises(InvalidRequestError, match=r"is one of public.items, not of other"):
        amounts.migrate(lambda op: op.drop_synced("other", sync="items_cents"))
    with pytest.raises(RefusedError, match=r"no sync 'x' in this database; it has 'items_cents'"):
        amounts.migrate(lambda op: op.drop_synced("items", sync="x"))


def test_a_view_over_an_old_column_keeps_everything(amounts: Shop) -> None:
    backfill(amounts)
    amounts.make("CREATE VIEW amounts AS SELECT amount FROM items")
    with pytest.raises(RefusedError, match=r"view amounts depends on column amount.*drop it first"):
        contract(amounts)
    amounts.sql("UPDATE items SET amount = '8' WHERE id = 1")
    assert amounts.row("cents") == (8,)


def test_nobody_is_kept_waiting_in_plain_alembic(amounts: Shop) -> None:
    backfill(amounts)
    with amounts.database.connect() as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM items")
        with pytest.raises(Exception, match=r"lock timeout") as raised:
            contract(amounts)
    assert isinstance(raised.value.__cause__, psycopg.errors.LockNotAvailable)
