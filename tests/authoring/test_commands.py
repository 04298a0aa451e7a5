"""`seachange init-migrations` and `seachange revision` as commands: what they print, and how they exit."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import Result
from typer.testing import CliRunner

from seachange.authoring.init import init_migrations
from seachange.cli.app import app
from seachange.errors import SeaChangeError
from seachange_migrations.errors import MigrationError
from seachange_migrations.migrate import migrate
from tests.authoring.test_init import MODELS
from tests.migrations.databases import Database


@dataclass
class Shop:
    """A folder with models, where the commands are given."""

    folder: Path
    database: Database

    def models(self, text: str) -> None:
        (self.folder / "shop").mkdir(exist_ok=True)
        (self.folder / "shop" / "models.py").write_text(text, "utf-8")

    def run(self, *arguments: str, exits: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        command = [sys.executable, "-c", "from seachange.cli import main; main()", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == exits, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    @property
    def url(self) -> str:
        master = self.database.master
        return f"postgresql://{master.user}:{quote(master.password, safe='')}@{master.host}:{master.port}/{master.database}"

    def autogenerate(self, message: str, *arguments: str, exits: int = 0) -> str:
        named = ("revision", "migrations", "--autogenerate", "-m", message, "--url", self.url)
        return self.run(*named, *arguments, exits=exits).stdout


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    return Shop(tmp_path, database)


RENAMED = MODELS.replace("name: Mapped", "full_name: Mapped")


@pytest.mark.slow
def test_from_nothing_to_a_question(shop: Shop) -> None:
    shop.models(MODELS)
    done = shop.run("init-migrations", "migrations", "--metadata", "shop.models:Base")
    assert done.stdout.startswith("migrations/env.py\nmigrations/script.py.mako\nmigrations/versions\n")
    assert "env.py is there already" in shop.run("init-migrations", "migrations", exits=2).stderr

    first = json.loads(shop.autogenerate("customers", "--format", "json"))
    (revision,) = first["revisions"]
    assert first == {"schema": "seachange.revision/1", "revisions": [revision], "notes": []}
    assert revision.keys() == {"revision", "phase", "path", "questions"}
    migrate(shop.database.master, shop.folder / "migrations")
    assert shop.autogenerate("nothing") == "models and database agree: nothing is written\n"

    shop.models(RENAMED)
    printed = shop.autogenerate("full names", exits=1)
    assert "question  customers.name goes and full_name comes: is that a rename?" in printed
    assert "1 open: " in printed
    assert len(list((shop.folder / "migrations" / "versions").glob("*.py"))) == 3


def invoke(shop: Shop, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """The command in this process, which is faster."""
    monkeypatch.chdir(shop.folder)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return CliRunner().invoke(app, arguments)


def test_by_hand(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    init_migrations(shop.folder / "migrations")
    done = invoke(shop, monkeypatch, "revision", "migrations", "--phase", "contract", "-m", "by hand")
    assert done.exit_code == 0
    assert done.output.startswith("contract  migrations/versions/")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what to write: --autogenerate, or --phase"),
        (("--autogenerate", "--phase", "expand"), "say what to write: --autogenerate, or --phase"),
        (("--autogenerate",), "say which database: --url postgresql://"),
        (("--autogenerate", "--url", "mysql://a@b/c"), "PostgreSQL"),
    ],
)
def test_unusable_input(shop: Shop, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str) -> None:
    init_migrations(shop.folder / "migrations")
    done = invoke(shop, monkeypatch, "revision", "migrations", "-m", "nothing", *arguments)
    # `main` makes one line and exit code 2 of these.
    assert isinstance(done.exception, SeaChangeError | MigrationError)
    assert message in str(done.exception)
    assert list((shop.folder / "migrations" / "versions").iterdir()) == []


def test_no_directory(shop: Shop) -> None:
    done = shop.run("revision", "nowhere", "-m", "nothing", "--phase", "expand", exits=2)
    assert done.stderr.startswith("seachange: 'nowhere' is no Alembic directory: it has no env.py")
    assert done.stderr.count("\n") == 1
