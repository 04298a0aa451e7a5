"""One kind of request of a load, and the placeholders in it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from seachange.rehearsal.errors import ConfigError

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
UNIQUE = "unique"
NUMBER_HEADER = "x-seachange-request"

_METHOD = re.compile(r"[A-Z]+")
_PATH = re.compile(r"/[!-~]*")
_PATH_WITH_PLACEHOLDERS = re.compile(r"/([!-~]|\{\{\s*\w+\s*\}\})*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t -~]*")
# What the load itself says in each request.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", NUMBER_HEADER})


@dataclass(frozen=True, kw_only=True)
class Request:
    """One kind of request of the load; in `rehearsal.toml` a table of `[[load.requests]]`, in a load's function what it returns.

    Attributes:
        path: Path and query, as they stand in the request line: a non-ASCII letter percent-encoded. In `rehearsal.toml` it may hold
            `{{unique}}` and `{{value}}` of `[load.values]`, like the texts of `headers` and `body`.
        expect: Status codes that count as success.
        method: `GET` by default.
        body: Sent as JSON, bytes as they are; None for no body, the default.
        headers: Further headers; none by default.
        weight: Its share of the load, relative to the others'; 1 by default, and of no meaning in a function.
        adds: How many rows a success adds to the views, less than 0 when it takes some away; 0 by default.
        name: What the report calls the path; by default the path without its query, and without segments that look like values.

    Raises:
        ConfigError: A value that no HTTP request can carry; the message names the key.
    """

    path: str
    expect: tuple[int, ...]
    method: str = "GET"
    body: object | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1
    adds: int = 0
    name: str | None = None

    def __post_init__(self) -> None:
        if not _METHOD.fullmatch(self.method):
            raise ConfigError(f"`method` must be an HTTP method in capitals; it is {self.method!r}")
        if not _PATH_WITH_PLACEHOLDERS.fullmatch(self.path):
            raise ConfigError(
                f"`path` must begin with / and hold neither spaces nor letters beyond ASCII; it is {self.path!r}"
            )
        if not self.expect or not all(isinstance(status, int) and 100 <= status <= 599 for status in self.expect):
            raise ConfigError(f"`expect` must be a list of HTTP status codes; it is {self.expect!r}")
        if self.name is not None and not self.name.isprintable():
            raise ConfigError(f"`name` must be one line; it is {self.name!r}")
        for name, value in self.headers.items():
            if name.lower() in _OWN_HEADERS:
                raise ConfigError(f"`headers` must not hold {name!r}: the load sends its own")
            if not _HEADER_NAME.fullmatch(name) or not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
                raise ConfigError(
                    f"`headers` must be names with texts of one ASCII line; there is {name!r} = {value!r}"
                )

    @property
    def shown(self) -> str:
        """What the report calls the path; it holds no values."""
        return self.name if self.name is not None else template(self.path)

    def placeholders(self) -> set[str]:
        """The names of all placeholders."""
        texts = [self.path, *self.headers.values(), "" if isinstance(self.body, bytes) else json.dumps(self.body)]
        return {name for text in texts for name in PLACEHOLDER.findall(text)}


def sendable(path: str) -> bool:
    """Whether a path, with its placeholders filled, can stand in a request line."""
    return _PATH.fullmatch(path) is not None


def template(path: str) -> str:
    """The path without its query, with `*` for each segment that looks like a value: one with a digit (but for `v1`), `@` or `%`, or long."""
    segments = path.partition("?")[0].split("/")
    return "/".join("*" if _is_value(segment) else segment for segment in segments)


def _is_value(segment: str) -> bool:
    if PLACEHOLDER.search(segment) or re.fullmatch(r"v\d{1,3}", segment):
        return False
    return len(segment) > 40 or re.search(r"[0-9@%]", segment) is not None
