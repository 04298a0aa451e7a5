"""The template that every run begins with, and what an undisturbed run leaves."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.migrate import migrate
from tests.migrations.databases import Database, made
from tests.survival import shop
from tests.survival.load import Load

NUMBERS = count(1)


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop.directory(tmp_path_factory.mktemp("survival") / "migrations").path


@pytest.fixture
def template(postgres: PostgresServer, migrations: Path) -> Iterator[Database]:
    with made(postgres, "original") as database:
        shop.make_template(database, migrations)
        yield database


@pytest.fixture
def cloned(postgres: PostgresServer, template: Database) -> Callable[[], Database]:
    """Makes a copy of the template."""
    return lambda: shop.clone(postgres, template, f"survivor{next(NUMBERS)}")


@pytest.fixture
def undisturbed(cloned: Callable[[], Database], migrations: Path) -> shop.Undisturbed:
    database = cloned()
    with Load(database) as load:
        migrate(database.master, migrations)
    assert load.failures == []
    found = shop.left(database)
    shop.verify(database, found)
    return found
