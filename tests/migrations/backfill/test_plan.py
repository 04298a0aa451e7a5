"""What a backfill says before it begins, and while it runs."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from seachange_migrations.backfill import Backfill, estimate, run
from seachange_migrations.backfill.progress import Progress
from seachange_migrations.running import Run, running
from tests.migrations.backfill.examples import doubling, items, own_server, session
from tests.migrations.databases import Database


@pytest.mark.slow
@pytest.mark.parametrize("indexes", [0, 3])
def test_the_estimates_come_true_within_a_factor_of_two(indexes: int) -> None:
    with own_server(checkpoint_timeout="1h") as database, session(database) as connection:
        items(database, 30_000, key="id int PRIMARY KEY, name text NOT NULL", of="n, repeat('x', 60)")
        for number in range(indexes):
            database.rows(f"CREATE INDEX by_name_{number} ON items (name, value)")
        database.rows(["VACUUM ANALYZE items", " CHECKPOINT"][0])
        plan = estimate(connection, doubling())
        size = "pg_total_relation_size('items')"
        ((before, at),) = database.rows(f"SELECT {size}, pg_current_wal_insert_lsn()")
        run(connection, doubling())
        ((grown, written),) = database.rows(f"SELECT {size} - {before}, pg_current_wal_insert_lsn() - '{at}'::pg_lsn")
    assert plan.rows == 30_000
    assert plan.wal_bytes / 2 < written < plan.wal_bytes * 2
    assert plan.growth_bytes / 2 < grown < plan.growth_bytes * 2


def test_rows_that_were_never_analyzed(database: Database, connection: Connection) -> None:
    database.rows(
        "CREATE TABLE items (id int PRIMARY KEY, value int, twice int) WITH (autovacuum_enabled = false);"
        f'ALTER TABLE items OWNER TO "{database.master.user}";'
        "INSERT INTO items SELECT n, n FROM generate_series(1, 400) AS n"
    )
    database.rows("SELECT pg_stat_force_next_flush()")
    assert estimate(connection, doubling()).rows == 400


def test_others_triggers_are_named(database: Database, connection: Connection) -> None:
    items(database, 10)
    database.rows(
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        'CREATE TRIGGER "Audit" AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION nothing();'
        "CREATE TRIGGER of_twice BEFORE UPDATE OF twice ON items FOR EACH ROW EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER of_value BEFORE UPDATE OF value ON items FOR EACH ROW EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER of_inserts BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER of_statements AFTER UPDATE ON items EXECUTE FUNCTION nothing();"
        "CREATE TRIGGER off BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION nothing();"
        "ALTER TABLE items DISABLE TRIGGER off;"
        'CREATE TRIGGER "~seachange_items_twice" BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION nothing()'
    )
    plan = estimate(connection, doubling())
    assert plan.triggers == ('public.items: trigger "Audit"', "public.items: trigger of_twice")
    text = "\n".join(plan.lines())
    assert "backfill items_twice: about 10 rows of public.items, in order of id" in text
    assert 'trigger "Audit" fires for each row' in text
    assert "an index on what it writes comes after it" in text
    assert "estimated" in text


def test_a_slot_without_a_reader_is_named() -> None:
    with own_server() as database, session(database) as connection:
        items(database, 10)
        database.rows("SELECT pg_create_physical_replication_slot('forgotten', true)")
        plan = estimate(connection, doubling())
    assert plan.slots == ("forgotten",)
    assert any("slot forgotten has no reader" in line for line in plan.lines())


def test_progress_is_told_once_a_second_and_at_the_end(database: Database, connection: Connection) -> None:
    items(database, 2_000)
    told: list[Mapping[str, Any]] = []
    with running(Run(on_progress=told.append)) as under_way:
        assert run(connection, doubling()) == 2_000
    first, *_, last = told
    assert len(told) <= 4
    assert first.items() >= {"event": "backfill", "pass": 1, "estimated": 2_000, "range": 0, "paused": None}.items()
    assert last.items() >= {"event": "backfilled", "name": "items_twice", "written": 2_000}.items()
    assert under_way.rows_backfilled == 2_000


def test_the_rate_and_the_time_that_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000))
    monkeypatch.setattr("seachange_migrations.backfill.progress.time.monotonic", lambda: float(next(clock)))
    told: list[Mapping[str, Any]] = []
    progress = Progress(told.append, name="b", table="t", number=0, ranges=1, estimated=10_000)
    assert progress.rate(0) == 0.0
    rates = [progress.rate(100 * second) for second in range(1, 30)]
    assert rates[-1] == 100.0
    assert progress.rate(10) == 0.0, "another pass has begun"
    progress.tell(passes=0, seen=2_900, rate=100.0, batch_rows=50)
    progress.tell(passes=0, seen=2_900, rate=100.0, batch_rows=50, paused="asked to")
    assert [event["seconds_left"] for event in told] == [71.0, None]


def test_a_worker_elsewhere_reads_what_was_begun() -> None:
    whole = doubling(sync="s")
    assert Backfill.from_json(whole.to_json()) == whole
    assert Backfill.from_json(whole.to_json().replace('"sync"', '"added later": 1, "sync"')) == whole


def test_the_application_may_not_write_what_is_remembered(database: Database, connection: Connection) -> None:
    items(database, 10)
    run(connection, doubling())
    database.rows("CREATE ROLE reader; GRANT ALL ON items TO reader;SET ROLE reader; SELECT * FROM items; RESET ROLE")
    try:
        for table in ("backfill", "backfill_range"):
            with pytest.raises(Exception, match=f"permission denied for table {table}"):
                database.rows(f"SET ROLE reader; DELETE FROM seachange.{table}")
    finally:
        database.rows("REVOKE ALL ON items FROM reader; DROP ROLE reader")
