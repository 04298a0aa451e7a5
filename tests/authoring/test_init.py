"""`seachange init-migrations`: what it writes works under Alembic's own command line too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seachange.authoring.errors import AuthoringError
from seachange.authoring.init import environment, init_migrations, template
from tests.authoring.project import formatted
from tests.migrations.databases import Database

EXAMPLE = Path(__file__).resolve().parents[2] / "service" / "migrations"

MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(server_default="nobody")
"""


def alembic(folder: Path, *arguments: str, database: Database | None = None) -> str:
    """What Alembic's own command prints; DATABASE_URL names the database as most services name it."""
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\nprepend_sys_path = .\n", "utf-8")
    environment = os.environ | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    if database is not None:
        url = database.master.url().set(drivername="postgresql").render_as_string(hide_password=False)
        environment |= {"DATABASE_URL": url}
    command = [sys.executable, "-m", "alembic", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_it_writes(tmp_path: Path) -> None:
    folder = tmp_path / "service" / "migrations"
    written = init_migrations(folder)
    assert written == (folder / "env.py", folder / "script.py.mako", folder / "versions")
    assert sorted(folder.iterdir()) == sorted(written)
    formatted(folder / "env.py")


def test_the_models_named(tmp_path: Path) -> None:
    (tmp_path / "env.py").write_text(environment("shop.models:Base"), "utf-8")
    formatted(tmp_path / "env.py")
    for wrong in ("shop.models", "shop.models:", "shop-models:Base", ":Base"):
        with pytest.raises(AuthoringError, match="name module and attribute, as in"):
            environment(wrong)


@pytest.mark.parametrize("there", ["env.py", "script.py.mako", "versions/"])
def test_nothing_is_overwritten(tmp_path: Path, there: str) -> None:
    path = tmp_path / there
    if there.endswith("/"):
        path.mkdir()
    else:
        path.write_text("mine", "utf-8")
    with pytest.raises(AuthoringError, match="is there already, and nothing is overwritten"):
        init_migrations(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(AuthoringError, match="cannot write into"):
        init_migrations(tmp_path / "file")


@pytest.mark.slow
def test_alembic_alone(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "models.py").write_text(MODELS, "utf-8")
    init_migrations(folder, metadata="shop.models:Base")
    alembic(tmp_path, "revision", "--autogenerate", "-m", "customers", database=database)
    (written,) = (folder / "versions").glob("*_customers.py")
    text = written.read_text("utf-8")
    assert "import sqlalchemy as sa" in text
    # It does not know the phase, so both rules stand there.
    assert "An *expand* revision runs before" in text
    assert "A *contract* revision runs when" in text
    # Offline: no database answers.
    assert "CREATE TABLE customers" in alembic(tmp_path, "upgrade", "heads", "--sql")
    alembic(tmp_path, "upgrade", "heads", database=database)
    assert database.tables() == {"alembic_version", "customers"}
    alembic(tmp_path, "check", database=database)


def test_revisions_run_where_the_models_are_not_installed(database: Database, tmp_path: Path) -> None:
    init_migrations(tmp_path / "migrations", metadata="a_service_that_is_elsewhere.models:Base")
    alembic(tmp_path, "revision", "-m", "first")
    alembic(tmp_path, "upgrade", "heads", database=database)
    assert database.tables() == {"alembic_version"}


def test_an_error_within_the_models_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "models.py").write_text("import nowhere_to_be_found", "utf-8")
    init_migrations(tmp_path / "migrations", metadata="shop.models:Base")
    alembic(tmp_path, "revision", "-m", "first")
    with pytest.raises(AssertionError, match="No module named 'nowhere_to_be_found'"):
        alembic(tmp_path, "upgrade", "heads", "--sql")


@pytest.mark.parametrize("name", ["env.py", "script.py.mako"])
def test_the_example_has_what_it_writes(name: str) -> None:
    assert (EXAMPLE / name).read_text("utf-8") == template(name)
