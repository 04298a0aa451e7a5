"""Where a load's requests come from: a mix with weights, a function of the user's, or a recorded log."""

import importlib
import json
import random
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.request import NUMBER_HEADER, PLACEHOLDER, UNIQUE, Request, sendable

_NO_SERVER_ERROR = tuple(range(200, 500))


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A request that is ready to be sent: `head` is all before the empty line, `path` its template."""

    head: bytes
    body: bytes
    expect: Sequence[int]
    method: str
    path: str
    adds: int


class Source(Protocol):
    """Gives one request after the other."""

    def next(self, number: int) -> Outgoing:
        """The request with this number; numbers begin at 1."""

    def position(self, number: int) -> float:
        """When it is due, counted in requests of an even load: `number - 1` for one that is even."""


class _Even:
    def position(self, number: int) -> float:
        return number - 1


class Mix(_Even):
    """Chooses requests by weight and fills their placeholders."""

    def __init__(self, requests: Sequence[Request], values: Mapping[str, Sequence[Any]], host: str) -> None:
        self._values = {name: [str(item) for item in items] for name, items in values.items()}
        self._requests = [(request, json.dumps(request.body), request.shown) for request in requests]
        self._weights = [request.weight for request in requests]
        self._host = host

    def next(self, number: int) -> Outgoing:
        request, body, shown = random.choices(self._requests, self._weights)[0]
        chosen = {name: random.choice(items) for name, items in self._values.items()} | {UNIQUE: uuid.uuid4().hex}

        def filled(text: str) -> str:
            return PLACEHOLDER.sub(lambda match: chosen[match[1]], text)

        return _outgoing(
            request,
            number,
            host=self._host,
            path=filled(request.path),
            headers={name: filled(value) for name, value in request.headers.items()},
            # Values stand inside JSON texts: escape them as such.
            body=PLACEHOLDER.sub(lambda match: json.dumps(chosen[match[1]])[1:-1], body).encode(),
            shown=shown,
        )


class FromFunction(_Even):
    """Asks a function of the user's for each request.

    Args:
        name: `package.module:function`, importable from `directory`. It gets a `random.Random` and the values of `[load.values]`, and returns
            a `Request`, or a mapping with the same names.
    """

    def __init__(self, name: str, directory: str, values: Mapping[str, Sequence[Any]], host: str) -> None:
        self._name = name
        self._random = random.Random()
        self._values = values
        self._host = host
        self._function = _imported(name, directory)

    def next(self, number: int) -> Outgoing:
        try:
            given = self._function(self._random, self._values)
            request = given if isinstance(given, Request) else _request(given)
        except ConfigError as error:
            raise ConfigError(
                f"[load] function {self._name} returned a request that cannot be sent: {error}"
            ) from error
        except Exception as error:
            raise ConfigError(f"[load] function {self._name} failed: {type(error).__name__}: {error}") from error
        return _outgoing(
            request,
            number,
            host=self._host,
            path=request.path,
            headers=request.headers,
            body=json.dumps(request.body).encode(),
            shown=request.shown,
        )


class Recorded:
    """Repeats a log, from its beginning again when it ends.

    A log does not say what the answers to these data are: all but a server's error counts as success.

    Args:
        requests: Method and path of each.
        positions: When each is due, in requests of an even load; even by default.
    """

    def __init__(self, requests: Sequence[tuple[str, str]], positions: Sequence[float] | None, host: str) -> None:
        self._requests = requests
        self._positions = positions
        self._host = host

    def next(self, number: int) -> Outgoing:
        method, path = self._requests[(number - 1) % len(self._requests)]
        request = Request(method=method, path=path, expect=_NO_SERVER_ERROR)
        return _outgoing(request, number, host=self._host, path=path, headers={}, body=b"", shown=request.shown)

    def position(self, number: int) -> float:
        if self._positions is None:
            return number - 1
        rounds, index = divmod(number - 1, len(self._requests))
        return rounds * len(self._requests) + self._positions[index]


def source(spec: Mapping[str, Any]) -> Source:
    """The source that a load's specification names; ConfigError when it cannot be used."""
    host = f"{spec['host']}:{spec['port']}"
    if spec["function"]:
        return FromFunction(spec["function"], spec["directory"], spec["values"], host)
    if spec["replay"]:
        return Recorded(spec["replay"]["requests"], spec["replay"]["positions"], host)
    return Mix([_request(item) for item in spec["requests"]], spec["values"], host)


def as_spec(request: Request) -> dict[str, Any]:
    """A request as JSON takes it; `source` reads it."""
    return asdict(request)


def _request(given: Any) -> Request:
    if not isinstance(given, Mapping):
        raise ConfigError(f"it is neither a Request nor a mapping but {given!r}")
    try:
        return Request(**(dict(given) | {"expect": tuple(given["expect"])}))
    except KeyError as error:
        raise ConfigError(f"`{error.args[0]}` is missing") from error
    except TypeError as error:
        raise ConfigError(str(error)) from error


def _outgoing(
    request: Request, number: int, *, host: str, path: str, headers: Mapping[str, str], body: bytes, shown: str
) -> Outgoing:
    """Puts a request together; `body` is its JSON, used when it has a body at all."""
    if not sendable(path):
        raise ConfigError(f"{request.method} {shown}: a value in the path must be percent-encoded: {path!r}")
    head = f"{request.method} {path} HTTP/1.1\r\nHost: {host}\r\n{NUMBER_HEADER}: {number}\r\n"
    content = b"" if request.body is None else request.body if isinstance(request.body, bytes) else body
    if request.body is not None:
        if not isinstance(request.body, bytes) and "content-type" not in map(str.lower, headers):
            head += "Content-Type: application/json\r\n"
        head += f"Content-Length: {len(content)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Outgoing(
        head=head.encode("latin-1"),
        body=content,
        expect=request.expect,
        method=request.method,
        path=shown,
        adds=request.adds,
    )


def _imported(name: str, directory: str) -> Callable[[random.Random, Mapping[str, Sequence[Any]]], Any]:
    module, _, function = name.partition(":")
    sys.path.insert(0, directory)
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:
        raise ConfigError(
            f"[load] function {name!r} cannot be imported from {directory}: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise ConfigError(f"[load] function {name!r} is no function")
    imported: Callable[[random.Random, Mapping[str, Sequence[Any]]], Any] = found
    return imported
