"""Reads and checks the whole configuration."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.rehearsal.config.requests import Replay, read_load
from seachange.rehearsal.config.source import Source, read_source
from seachange.rehearsal.config.synth import Synth, read_synth
from seachange.rehearsal.config.table import Table
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.request import Request

_FILE = "rehearsal.toml"
_PYPROJECT = "pyproject.toml"
_IN_PYPROJECT = ("tool", "seachange", "rehearsal")


@dataclass(frozen=True, kw_only=True)
class RehearsalConfig:
    """One service's part of a rehearsal.

    Attributes:
        path: The file; relative paths in it count from its directory.
        blue, green: What each colour is and how it starts.
        synth: How a release is synthesized; None where the file does not say.
        ready_timeout_s: Seconds that a started task has until it answers; the health checks have their own time on top.
        seed_sql: A file of SQL, run as the owner role with the setting `seachange.rows` after blue's migration; None with a dump.
        rows: The number of rows to seed; None with a dump.
        dump: What `pg_dump` wrote, restored as the owner role before blue's migration; None with SQL.
        rate: Requests per second.
        cookies: Whether each client of the load keeps its cookies.
        values: Name → query whose first column gives the values.
        requests: The mix; empty with a function or a replay.
        function: `package.module:function` that gives the requests; None without one.
        replay: A recorded log's requests; None when none is replayed.
        blue_view, green_view: Each release's view of every row: same columns, the key first.
    """

    path: Path
    blue: Source
    green: Source
    synth: Synth | None = None
    ready_timeout_s: float
    seed_sql: Path | None
    rows: int | None
    dump: Path | None
    rate: float
    cookies: bool
    values: Mapping[str, str]
    requests: tuple[Request, ...]
    function: str | None
    replay: Replay | None
    blue_view: str
    green_view: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads and checks the configuration; ConfigError with file, key and remedy otherwise.

        Args:
            path: A file like `rehearsal.toml`; a pyproject.toml with the table `[tool.seachange.rehearsal]`; or a folder, which is looked
                through for these two in this order.
        """
        path, name, document = _find(path)
        if "smoke" in document:
            raise ConfigError(
                f"{path}: `smoke` is read from the template now; move its steps into a file of [[steps]], give that to "
                "BlueGreenService(smoke_test=SmokeTest.load(…)), and synthesize again"
            )
        table = Table(path, name, document, ("service", "blue", "green", "synth", "seed", "load", "views"))
        seed = table.table("seed", ("sql", "rows", "dump"))
        if seed.one_of(("sql", "dump")) is None:
            raise seed.wrong("sql", "a text, or give `dump`")
        if "dump" in seed:
            seed.one_of(("dump", "rows"))
        load = read_load(table)
        views = table.table("views", ("blue", "green"))
        return cls(
            path=path,
            blue=read_source(table, "blue"),
            green=read_source(table, "green"),
            synth=read_synth(table),
            ready_timeout_s=table.table("service", optional=True).number("ready_timeout_s", 30),
            seed_sql=seed.file("sql") if "sql" in seed else None,
            rows=seed.whole_number("rows") if "sql" in seed else None,
            dump=seed.file("dump") if "dump" in seed else None,
            rate=load.rate,
            cookies=load.cookies,
            values=load.values,
            requests=load.requests,
            function=load.function,
            replay=load.replay,
            blue_view=views.text("blue"),
            green_view=views.text("green"),
        )

    def source(self, colour: str) -> Source:
        """What a colour is and how it starts."""
        return {"blue": self.blue, "green": self.green}[colour]


def _find(path: Path) -> tuple[Path, str, Mapping[str, Any]]:
    """The file, the dotted name of the table in it, and the table."""
    if path.is_dir():
        for candidate in (path / _FILE, path / _PYPROJECT):
            if candidate.exists() and (found := _read(candidate)) is not None:
                return found
        raise ConfigError(
            f"{path} has neither a {_FILE} nor a {_PYPROJECT} with [{'.'.join(_IN_PYPROJECT)}]; name the service's file with --config"
        )
    found = _read(path)
    if found is None:
        raise ConfigError(
            f"{path} has no table [{'.'.join(_IN_PYPROJECT)}]; add it, or name another file with --config"
        )
    return found


def _read(path: Path) -> tuple[Path, str, Mapping[str, Any]] | None:
    """What a file says; None for a pyproject.toml that says nothing of a rehearsal."""
    try:
        document: Any = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} does not exist; name the service's file with --config") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if path.name != _PYPROJECT:
        return path, "", document
    for name in _IN_PYPROJECT:
        document = document.get(name) if isinstance(document, dict) else None
    return (path, ".".join(_IN_PYPROJECT), document) if isinstance(document, dict) else None
