"""Projects that were there before: their env.py reads the alembic.ini in or beside its directory."""

from pathlib import Path

import pytest

from seachange_migrations.errors import InvalidDirectoryError
from seachange_migrations.migrate import migrate
from tests.migrations.databases import TAKES_THE_CONNECTION, AlembicDirectory, Database

INI = """
[alembic]
script_location = {location}
version_locations = %(here)s/elsewhere
path_separator = os
version_table_of_theirs = applied

[loggers]
keys = root

[handlers]
keys =

[formatters]
keys =

[logger_root]
handlers =
"""
# As `alembic init` wrote it for years: it asks for the file without looking whether there is one.
READS_ITS_FILE = f"""
from logging.config import fileConfig
from alembic import context
fileConfig(context.config.config_file_name, disable_existing_loggers=False)
assert context.config.get_main_option("version_table_of_theirs") == "applied"
{TAKES_THE_CONNECTION}"""


@pytest.mark.parametrize(
    ("folder", "location"), [(".", "%(here)s"), ("..", "shop/migrations"), ("..", "shop:migrations")]
)
def test_the_file_is_found(database: Database, tmp_path: Path, folder: str, location: str) -> None:
    directory = AlembicDirectory(tmp_path / "migrations", READS_ITS_FILE)
    place = directory.path / folder
    (place / "alembic.ini").write_text(INI.format(location=location), "utf-8")
    (place / "elsewhere").mkdir()
    directory.revision("0001", None, "CREATE TABLE customers (id int)")
    (directory.path / "versions" / "0001.py").rename(place / "elsewhere" / "0001.py")
    assert migrate(database.master, directory.path).revisions == ("0001",)


def test_the_file_of_another_directory_is_left_alone(database: Database, tmp_path: Path) -> None:
    directory = AlembicDirectory(tmp_path / "migrations").example()
    (tmp_path / "alembic.ini").write_text(INI.format(location="other"), "utf-8")
    assert migrate(database.master, directory.path).after == ("0003",)


def test_a_file_that_cannot_be_read(database: Database, tmp_path: Path) -> None:
    directory = AlembicDirectory(tmp_path / "migrations").example()
    (tmp_path / "alembic.ini").write_text("script_location", "utf-8")
    with pytest.raises(InvalidDirectoryError, match=r"alembic\.ini' cannot be read: File contains no section headers"):
        migrate(database.master, directory.path)
    assert database.tables() == set()
