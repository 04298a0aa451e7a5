"""`seachange heads`: where a database is, what would run, and how far its backfills are."""

import json
from pathlib import Path
from typing import Any

import pytest

from seachange import stack_heads
from seachange.stack_heads import StackHeads
from seachange_migrations.migrate import migrate
from tests.cli.running import Commands, url_of
from tests.migrations.databases import AlembicDirectory, Database


def test_a_database_in_the_middle(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path, target="0001")
    shown = seachange("heads", str(directory.path), "--url", url_of(database.master))
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        f"database {database.name}",
        "  at       0001",
        "  wanted   0002  expand",
        "  waiting  0003  contract",
        "  no backfill is under way",
    ]
    told = seachange("heads", str(directory.path), "--url", url_of(database.master), "--format", "json")
    found = json.loads(told.out)
    assert found["schema"] == "seachange.heads/1"
    [one] = found["databases"]
    assert (one["revisions"], one["wanted"], one["waiting"]) == (["0001"], ["0002"], ["0003"])
    assert one["phases"] == {"0001": "expand", "0002": "expand", "0003": "contract"}
    assert (one["lock_holder"], one["backfills"]) == (None, [])


def test_a_database_at_its_heads(seachange: Commands, database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path)
    shown = seachange("heads", str(directory.path), "--url", url_of(database.master))
    assert "  wanted   nothing: expand has nothing to run" in shown.out.splitlines()


def test_backfills_and_what_is_proven_of_them(
    seachange: Commands, database: Database, directory: AlembicDirectory
) -> None:
    directory.revision(
        "0001", None, "CREATE TABLE customers (id int PRIMARY KEY, name text, city text)", phase="expand"
    )
    directory.revision(
        "0002", "0001", "INSERT INTO customers SELECT n FROM generate_series(1, 100) AS n", phase="expand"
    )
    body = """op.backfill("customers", set={"city": "'Bern'"}, where="city IS NULL", name="cities")"""
    directory.revision("0003", "0002", body=body, phase="expand")
    migrate(database.master, directory.path)
    told = seachange("heads", str(directory.path), "--url", url_of(database.master), "--format", "json")
    [backfill] = json.loads(told.out)["databases"][0]["backfills"]
    assert (backfill["name"], backfill["table"], backfill["proven"]) == ("cities", "public.customers", True)


def test_a_deployed_stack(seachange: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    status: dict[str, Any] = {
        "revisions": ["0001"],
        "wanted": ["0002"],
        "waiting": [],
        "phases": {"0002": "expand"},
        "lock_holder": None,
        "backfills": [],
        "summary": "no backfill is under way",
    }
    answer = StackHeads(function="shop-migrations", database="shop", status=status, executions=("run-1",))
    monkeypatch.setattr(stack_heads, "stack_heads", lambda name: [answer] if name == "shop-service" else [])
    shown = seachange("heads", "--stack", "shop-service")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.splitlines() == [
        "database shop, asked through shop-migrations",
        "  at       0001",
        "  wanted   0002  expand",
        "  now      execution run-1 of the migration's state machine runs",
        "  no backfill is under way",
    ]


def test_what_cannot_be_asked(seachange: Commands, database: Database, tmp_path: Path) -> None:
    nothing = seachange("heads", str(tmp_path), "--url", url_of(database.master))
    assert nothing.code == 2
    assert "is no Alembic directory" in nothing.one_line()
    nowhere = seachange("heads", str(tmp_path), "--url", "mysql://db/shop")
    assert nowhere.code == 2
    assert "only PostgreSQL is migrated" in nowhere.one_line()
