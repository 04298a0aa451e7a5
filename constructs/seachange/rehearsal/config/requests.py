"""The table `[load]`: a mix of requests, a function, or a recorded log."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder

from seachange.rehearsal.config.table import Table
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.request import UNIQUE, Request
from seachange.rehearsal.replay import METHODS, RecordedRequest, read_log

_FUNCTION = re.compile(r"\w+(\.\w+)*:\w+")


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A recorded log that is replayed.

    Attributes:
        requests: Its requests in their order.
        positions: When each of its requests is due, counted in requests of an even load; None for an even load.
    """

    requests: tuple[RecordedRequest, ...]
    positions: tuple[float, ...] | None


@dataclass(frozen=True, kw_only=True)
class LoadConfig:
    """The load: one of a mix, a function, a replay.

    Attributes:
        rate: Requests per second.
        cookies: Whether each client keeps its cookies.
        values: Name → query whose first column gives the values of the placeholder.
        requests: The mix; empty with a function or a replay.
        function: `package.module:function` that gives the requests; None without one.
        replay: None when nothing is replayed.
    """

    rate: float
    cookies: bool
    values: Mapping[str, str]
    requests: tuple[Request, ...]
    function: str | None
    replay: Replay | None


def read_load(document: Table) -> LoadConfig:
    """Reads and checks the table; ConfigError otherwise."""
    load = document.table("load", ("rate", "cookies", "values", "requests", "function", "replay"))
    kind = load.one_of(("requests", "function", "replay"))
    if kind is None:
        raise load.error("[load] says nothing to send; give [[load.requests]], `function` or [load.replay]")
    values = load.named_texts("values")
    requests: tuple[Request, ...] = ()
    replay, recorded_rate = None, None
    if kind == "requests":
        requests = _mix(load, values)
    elif kind == "replay":
        replay, recorded_rate = _replay(load)
    function = _function(load)
    return LoadConfig(
        rate=load.number("rate", recorded_rate),
        cookies=load.flag("cookies"),
        values=values,
        requests=requests,
        function=function,
        replay=replay,
    )


def _function(load: Table) -> str | None:
    name = load.optional_text("function")
    if name is None:
        return None
    if not _FUNCTION.fullmatch(name):
        raise load.wrong("function", 'a text such as "package.module:function"')
    # Not imported here: the load's own process does. But a wrong name is told before the stage is set up.
    package = name.partition(":")[0].partition(".")[0]
    if PathFinder.find_spec(package, [str(load.folder), *sys.path]) is None:
        raise load.error(f"`load.function` names {name!r}, but there is no module {package!r} in {load.folder}")
    return name


def _mix(load: Table, values: Mapping[str, str]) -> tuple[Request, ...]:
    requests = []
    for table in load.tables("requests", ("weight", "method", "path", "headers", "body", "expect", "adds")):
        request = _request(table)
        for name in sorted(request.placeholders() - {*values, UNIQUE}):
            raise load.error(f"{request.method} {request.path} uses {{{{{name}}}}}; give it a query in [load.values]")
        requests.append(request)
    return tuple(requests)


def _request(table: Table) -> Request:
    path, method = table.text("path"), table.text("method", "GET")
    weight, headers, expect = table.number("weight", 1), table.named_texts("headers"), table.statuses("expect")
    try:
        return Request(
            path=path,
            method=method,
            weight=weight,
            headers=headers,
            body=table.raw("body"),
            expect=expect,
            adds=table.integer("adds", 0),
        )
    except ConfigError as error:
        raise table.error(f"{method} {path}: {error}") from error


def _replay(load: Table) -> tuple[Replay, float | None]:
    table = load.table("replay", ("log", "methods", "keep_queries", "timing"))
    methods = table.texts("methods", METHODS[:2])
    for method in methods:
        if method not in METHODS:
            raise table.wrong(
                "methods", f"a list of {', '.join(METHODS)}: a log holds no bodies, so no other method can be replayed"
            )
    log = table.file("log")
    recorded = read_log(log, methods=methods, keep_queries=table.flag("keep_queries"))
    as_recorded = table.choice("timing", ("even", "recorded")) == "recorded"
    if as_recorded and recorded.rate is None:
        raise table.error(f"{log} spans no time, so its timing cannot be kept; leave `load.replay.timing` out")
    replay = Replay(requests=recorded.requests, positions=recorded.positions if as_recorded else None)
    return replay, recorded.rate if as_recorded else None
