"""A database and an Alembic directory for the commands that migrate, and the command line as a shell starts it."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seachange.cli import main
from seachange.rehearsal.stage.postgres import PostgresServer
from tests.cli.running import Commands, Ran
from tests.migrations.databases import AlembicDirectory, Database, made


@pytest.fixture(autouse=True)
def tls(as_the_server_asks: None) -> None:
    """Nothing that connects here says how."""


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    with made(postgres, "commanded") as found:
        yield found


@pytest.fixture
def directory(tmp_path: Path) -> AlembicDirectory:
    return AlembicDirectory(tmp_path / "100%" / "migrations")


@pytest.fixture
def seachange(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Commands]:
    """Runs a command line; gives its exit code and what it printed."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("COLUMNS", "300")

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["seachange", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        code = ended.value.code
        assert "Traceback" not in err
        return Ran(code=code if isinstance(code, int) else 0, out=out, err=err)

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)
