"""Recorded access logs as a load: an Application Load Balancer's, and the Common or Combined Log Format of web servers.

Queries, credentials, users and addresses stay out: what a log knows of clients is none of a rehearsal's business.
The formats: `seachange.plan.alb_log`; https://httpd.apache.org/docs/current/logs.html.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from seachange.plan.alb_log import AlbEntry, is_alb
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.request import sendable

# The methods without a body; the first two are safe (RFC 9110, section 9.2.1), and replayed by default.
METHODS = ("GET", "HEAD", "OPTIONS", "DELETE")
# So many requests are half an hour at 50 per second; the load begins again at their end.
MOST = 100_000

_GZIP = b"\x1f\x8b"
_COMMON = re.compile(r'\S+ \S+ .*?\[(?P<time>[^\]]+)\] "(?P<request>[^"\\]*(?:\\.[^"\\]*)*)" ')
# A parameter is a credential when a word of its name, as in `accessToken` or `X-Amz-Signature`, or all of it, is one of these.
_CREDENTIAL = re.compile(
    "api_?key|auth|authorization|credentials?|csrf|hmac|jwt|keys?|nonce|otp|pass|passphrase|passwd|passwords?|pin|pwd|secrets?|session|sess_?id"
    "|sessionid|sid|sig|sign|signature|ticket|tokens?|xsrf",
    re.IGNORECASE,
)
_WHOLE_CREDENTIAL = re.compile("code|state|jsessionid|phpsessid|samlresponse", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class RecordedRequest(NamedTuple):
    """What of a recorded request is sent again."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class RecordedLoad:
    """The requests of a log in the order of their time.

    Attributes:
        requests: The requests.
        positions: When each came, counted in requests of an even load of the same length.
        rate: Requests per second on average; None when the log spans no time.
    """

    requests: tuple[RecordedRequest, ...]
    positions: tuple[float, ...]
    rate: float | None


def read_log(log: Path, *, methods: Sequence[str], keep_queries: bool) -> RecordedLoad:
    """Reads an access log, plain or gzipped, or a folder of them; at most its first `MOST` requests with a method that is wanted.

    Args:
        log: The file, or a folder of which every file is read.
        methods: Requests with other ones are left out.
        keep_queries: Keeps query values, all but those whose names look like credentials; without, paths have no query.

    Raises:
        ConfigError: It cannot be read, is in none of the formats, or holds no request that can be replayed.
    """
    found: list[tuple[float, RecordedRequest]] = []
    lines = unknown = 0
    try:
        for line in _lines(log):
            lines += 1
            entry = _entry(line)
            if entry is None:
                unknown += 1
                continue
            at, method, target = entry
            path = _path(target, keep_queries=keep_queries)
            if method in methods and path is not None:
                found.append((at, RecordedRequest(method, path)))
            if len(found) == MOST:
                break
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"{log} cannot be read: {error}") from error
    if unknown > lines / 2:
        raise ConfigError(
            f"{log}: {unknown} of {lines} lines are in none of the known formats: an Application Load Balancer's access log, "
            "the Common Log Format, the Combined Log Format"
        )
    if not found:
        raise ConfigError(
            f"{log} holds no request with method {' or '.join(methods)}; record a longer one, or change `load.replay.methods`"
        )
    found.sort(key=lambda item: item[0])
    times = [at for at, _ in found]
    rate = (len(times) - 1) / (times[-1] - times[0]) if times[-1] > times[0] else None
    return RecordedLoad(
        requests=tuple(request for _, request in found),
        positions=tuple((at - times[0]) * (rate or 0) for at in times),
        rate=rate,
    )


def _lines(log: Path) -> Iterator[str]:
    files = sorted(file for file in log.rglob("*") if file.is_file()) if log.is_dir() else [log]
    for file in files:
        with file.open("rb") as beginning:
            zipped = beginning.read(2) == _GZIP
        with gzip.open(file, "rt", encoding="utf-8") if zipped else file.open(encoding="utf-8") as lines:
            yield from (line for line in lines if line.strip())


def _entry(line: str) -> tuple[float, str, str] | None:
    """When a request came, in epoch seconds, its method, and its target as it was sent; None for a line in no known format."""
    try:
        at, request = _of_alb(line) if is_alb(line) else _of_common(line)
    except (IndexError, ValueError):
        return None
    words = request.split(" ")
    # A client that never sent a whole request has none (`-`).
    return (at, words[0], words[1]) if len(words) > 1 else (at, "-", "-")


def _of_alb(line: str) -> tuple[float, str]:
    entry = AlbEntry(line)
    created = entry.created_s
    # A WebSocket's GET is only its beginning.
    return entry.answered_s if created is None else created, "-" if entry.is_websocket else entry.request


def _of_common(line: str) -> tuple[float, str]:
    if (match := _COMMON.match(line)) is None:
        raise ValueError("the line is in neither of the web servers' formats")
    return datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S %z").timestamp(), match["request"]


def _path(target: str, *, keep_queries: bool) -> str | None:
    """Path and query to send; None when the target is no path, such as `*` or a host."""
    try:
        parts: SplitResult = urlsplit(target)
    except ValueError:
        return None
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    # RFC 3986 allows parameters of a path's segment; Java servers write their sessions there.
    path = re.sub(r";jsessionid=[^/;]*", "", path, flags=re.IGNORECASE)
    if keep_queries:
        kept = [
            (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _is_credential(name)
        ]
        path += f"?{urlencode(kept)}" if kept else ""
    return path if sendable(path) else None


def _is_credential(name: str) -> bool:
    whole = _CREDENTIAL.fullmatch(name) or _WHOLE_CREDENTIAL.fullmatch(name)
    return whole is not None or any(_CREDENTIAL.fullmatch(word) for word in _WORD.findall(name))
