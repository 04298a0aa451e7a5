"""`rehearsal.toml`: what a template cannot say of a service: how it starts here, its seed, its load, its views."""

import json
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load import PLACEHOLDER, UNIQUE


@dataclass(frozen=True, kw_only=True)
class Request:
    """One kind of request of the load.

    Attributes:
        weight: Its share of the load, relative to the others'.
        body: Sent as JSON; None for no body. Strings may hold `{{unique}}` and `{{value}}` of `[load.values]`, like `path`.
        expect: Status codes that count as success.
    """

    weight: float
    method: str
    path: str
    body: object | None
    expect: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RehearsalConfig:
    """One service's part of a rehearsal.

    Attributes:
        directory: The working directory of the service's processes.
        start: The command of one task; the program is a path.
        ready_timeout_s: Seconds until a started task must be healthy.
        seed_sql: A file of SQL, run as the owner role with the setting `seachange.rows`.
        rows: The number of rows to seed.
        rate: Requests per second.
        values: Name → query whose first column gives the values.
        requests: The mix.
        blue_view, green_view: Each release's view of every row: same columns, the key first.
    """

    directory: Path
    start: tuple[str, ...]
    ready_timeout_s: float
    seed_sql: Path
    rows: int
    rate: float
    values: Mapping[str, str]
    requests: tuple[Request, ...]
    blue_view: str
    green_view: str

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads and checks the file; ConfigError with file, key and remedy otherwise."""
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"{path} does not exist; name the service's file with --config") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        if "smoke" in document:
            raise ConfigError(
                f"{path}: `smoke` is read from the template now; move its steps into a file of [[steps]], give that to "
                "BlueGreenService(smoke_test=SmokeTest.load(…)), and synthesize again"
            )
        table = _Table(path, "", document)
        service, seed, load, views = (
            table.table("service"),
            table.table("seed"),
            table.table("load"),
            table.table("views"),
        )
        config = cls(
            directory=(path.parent / service.get("directory", str, ".")).resolve(),
            start=_command(service, path.parent / service.get("directory", str, ".")),
            ready_timeout_s=service.number("ready_timeout_s", 30),
            seed_sql=path.parent / seed.get("sql", str),
            rows=int(seed.number("rows")),
            rate=load.number("rate"),
            values={name: load.table("values").get(name, str) for name in load.table("values", optional=True).document},
            requests=tuple(_request(item) for item in load.tables("requests")),
            blue_view=views.get("blue", str),
            green_view=views.get("green", str),
        )
        for missing in (name for name in (config.directory, config.seed_sql) if not name.exists()):
            raise ConfigError(f"{path} names {missing}, which does not exist")
        for request in config.requests:
            for name in PLACEHOLDER.findall(request.path + json.dumps(request.body)):
                if name not in {*config.values, UNIQUE}:
                    raise ConfigError(
                        f"{path}: {request.method} {request.path} uses {{{{{name}}}}}; give it a query in [load.values]"
                    )
        return config


class _Table:
    """A TOML table that names itself when something in it is wrong."""

    def __init__(self, path: Path, name: str, document: Mapping[str, Any]) -> None:
        self._path = path
        self._name = name
        self.document = document

    def get(self, key: str, kind: type[str], default: str | None = None) -> str:
        value = self.document.get(key, default)
        if not isinstance(value, kind) or not value:
            raise self._wrong(key, "a text")
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self._wrong(key, "a number above 0")
        return float(value)

    def strings(self, key: str) -> Sequence[str]:
        value = self.document.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return value

    def statuses(self, key: str) -> tuple[int, ...]:
        value = self.document.get(key)
        if (
            not isinstance(value, list)
            or not value
            or not all(isinstance(item, int) and 100 <= item <= 599 for item in value)
        ):
            raise self._wrong(key, "a list of HTTP status codes")
        return tuple(value)

    def table(self, key: str, *, optional: bool = False) -> "_Table":
        value = self.document.get(key, {} if optional else None)
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return _Table(self._path, self._dotted(key), value)

    def tables(self, key: str) -> "list[_Table]":
        value = self.document.get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, "a list of tables")
        return [_Table(self._path, f"{self._dotted(key)}[{index}]", item) for index, item in enumerate(value)]

    def _dotted(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def _wrong(self, key: str, wanted: str) -> ConfigError:
        found = repr(self.document[key]) if key in self.document else "missing"
        return ConfigError(f"{self._path}: `{self._dotted(key)}` must be {wanted}; it is {found}")


def _command(service: _Table, directory: Path) -> tuple[str, ...]:
    """The start command, with its program found: a console script of this Python environment, a file of the service, or a program on PATH."""
    name, *arguments = service.strings("start")
    candidates = (Path(sys.executable).parent / name, directory / name, name)
    found = next((program for candidate in candidates if (program := shutil.which(str(candidate)))), None)
    if found is None:
        raise ConfigError(
            f"the start command {name!r} is neither in this Python environment, nor in {directory}, nor on PATH; "
            "install it or change [service] start"
        )
    return (found, *arguments)


def _request(table: _Table) -> Request:
    return Request(
        weight=table.number("weight", 1),
        method=table.get("method", str, "GET"),
        path=table.get("path", str),
        body=table.document.get("body"),
        expect=table.statuses("expect"),
    )
