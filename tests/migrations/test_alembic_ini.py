"""Projects that were there before: their env.py reads the alembic.ini in or beside its directory."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from seachange_migrations.errors import InvalidDirectoryError
from seachange_migrations.migrate import migrate
from tests.cli.running import url_of
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


@pytest.fixture
def seachange(database: Database, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A command line in a process of its own, whose logging an env.py may set up; in a project that `alembic init` began."""
    command.init(Config(tmp_path / "alembic.ini", stdout=sys.stderr), str(tmp_path / "migrations"))
    command.revision(Config(tmp_path / "alembic.ini", stdout=sys.stderr), "first", rev_id="0001")
    url = f"--url={url_of(database.master)}"
    run = [sys.executable, "-c", "from seachange.cli import main; main()"]

    def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*run, *arguments, url], cwd=tmp_path, capture_output=True, text=True, check=True)

    return ran


def test_what_alembic_init_writes_works_as_it_is_and_quietly(
    seachange: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    migrated = seachange("migrate", "--phase", "expand")
    assert migrated.stdout.endswith("the database is at 0001\n")
    assert "0001  applied in" in migrated.stderr
    assert "INFO" not in migrated.stderr
    assert seachange("heads").stderr == ""
    env = tmp_path / "migrations" / "env.py"
    env.write_text(
        env.read_text("utf-8").replace(
            "target_metadata = None", "import sqlalchemy; target_metadata = sqlalchemy.MetaData()"
        )
    )
    assert seachange("revision", "--autogenerate", "-m", "nothing").stderr == ""


def test_what_alembic_warns_of_is_heard(
    seachange: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    env = tmp_path / "migrations" / "env.py"
    warns = "import logging\nlogging.getLogger('alembic.runtime.migration').warning('grave')\n"
    env.write_text(env.read_text("utf-8").replace("target_metadata = None", f"target_metadata = None\n{warns}"))
    assert "WARNI [alembic.runtime.migration] grave" in seachange("heads").stderr
