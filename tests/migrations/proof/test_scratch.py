"""The scratch database: at the real one's schema, apart from it, and gone afterwards."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seachange_migrations.check.scratch import ScratchError, scratch
from seachange_migrations.check.scratch.database import PREFIX, drop_stale
from seachange_migrations.connection import connect
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database

EXAMPLE = Path(__file__).resolve().parents[3] / "service/migrations"


def scratches(database: Database) -> list[str]:
    return [
        name for (name,) in database.rows(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{PREFIX}')")
    ]


def test_it_has_the_schema_that_the_revisions_made_and_is_dropped(database: Database) -> None:
    migrate(database.master, EXAMPLE, target="0002")
    with scratch(database.master, EXAMPLE) as made:
        assert made.differences == {}
        assert made.source.startswith("the directory's revisions, for ")
        with connect(made.settings) as connection:
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
            connection.execute("INSERT INTO customers (name, email) VALUES ('a', 'a')")
        assert scratches(database) == [made.settings.database]
    assert scratches(database) == []
    assert database.rows("SELECT count(*) FROM customers") == [(0,)]


def test_it_is_dropped_when_its_user_raises(database: Database, directory: AlembicDirectory) -> None:
    migrate(database.master, directory.example().path, target="0001")
    with pytest.raises(KeyboardInterrupt), scratch(database.master, directory.path) as made:
        with connect(made.settings):
            raise KeyboardInterrupt
    assert scratches(database) == []
