"""What requests of the past tell of the traffic: read from access logs, of which no address, URL or header is kept.

Three formats, told apart by a file's first line: the access log of an Application Load Balancer (`seachange.plan.alb_log`), a rehearsal's own, and
CSV of timestamp, status and latency in seconds.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

from seachange.plan.alb_log import AlbEntry, is_alb
from seachange.simulation.errors import SimulationError

_SUFFIXES = (".log", ".csv", ".gz", ".jsonl")
# The log counts milliseconds: 0.000 is anything below half of one.
_ALB_LEAST_S = 0.0005
_LEAST_S = 1e-6
# Envoy's flags for a request that found no target to be sent to.
_NO_TARGET = frozenset({"UH", "NC", "NR", "UO", "DPE"})


class Seen(NamedTuple):
    """One request for which a target was chosen.

    Attributes:
        at_s: Seconds of the epoch.
        latency_s: What an ALB calls the target's response time, in seconds; None where no target answered.
        is_error: Whether a target answered 5xx.
        target: Which target; empty where the log does not say.
    """

    at_s: float
    latency_s: float | None
    is_error: bool
    target: str = ""


_Parse = Callable[[str], Seen | None]


def log_files(path: Path) -> list[Path]:
    """The file itself, or all log files in a folder and below it; SimulationError when there is none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SimulationError(f"{path} does not exist; name an access log, or a folder of them")
    if not (found := sorted(file for file in path.rglob("*") if file.is_file() and file.suffix in _SUFFIXES)):
        raise SimulationError(f"{path} holds no access log: no file in it ends in {', '.join(_SUFFIXES)}")
    return found


def requests(file: Path) -> Iterator[Seen | None]:
    """The requests of one log; None for each line that cannot be read.

    Raises:
        SimulationError: The file is none of the three formats, or cannot be read at all.
    """
    try:
        with _opened(file) as lines:
            first = next((line for line in lines if line.strip()), "")
            parse = _format(first, file)
            yield from _parsed(parse, first) if not _is_header(first) else ()
            for line in lines:
                if line.strip():
                    yield from _parsed(parse, line)
    except (OSError, EOFError, zlib.error) as error:
        raise SimulationError(f"{file} cannot be read: {error}") from error


def _opened(file: Path) -> AbstractContextManager[TextIO]:
    # What is not UTF-8 can only stand in a part that is not read.
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", errors="replace")
    return file.open(encoding="utf-8", errors="replace")


def _parsed(parse: _Parse, line: str) -> Iterator[Seen | None]:
    try:
        seen = parse(line)
    except (ValueError, KeyError, TypeError, IndexError):
        yield None
    else:
        if seen is not None:
            yield seen


def _format(first: str, file: Path) -> _Parse:
    if is_alb(first):
        return _of_alb
    if first.startswith("{"):
        return _of_rehearsal
    if first.count(",") >= 2:
        return _of_csv
    # The line itself may hold what nobody should see.
    raise SimulationError(
        f"{file} is no access log that can be read here: give those of an Application Load Balancer, a rehearsal's own, or CSV lines of "
        "timestamp,status,latency (seconds)"
    )


def _of_alb(line: str) -> Seen | None:
    """Of the request's own text nothing is looked at."""
    entry = AlbEntry(line)
    if entry.target == "-":
        # No target was chosen: RequestCount does not count it.
        return None
    latency, status = entry.target_processing_s, entry.target_status
    answered = status != "-" and latency >= 0
    return Seen(
        at_s=entry.answered_s,
        latency_s=max(latency, _ALB_LEAST_S) if answered else None,
        is_error=status.startswith("5"),
        target=entry.target,
    )


def _of_rehearsal(line: str) -> Seen | None:
    entry = json.loads(line)
    latency = entry["target_us"]
    if latency is None and (entry["colour"] is None or _NO_TARGET & set(entry["flags"].split(","))):
        return None
    return Seen(
        at_s=float(entry["start"]),
        latency_s=None if latency is None else max(float(latency) / 1e6, _LEAST_S),
        is_error=latency is not None and int(entry["status"]) >= 500,
    )


def _is_header(first: str) -> bool:
    return first.lower().replace(" ", "").startswith("timestamp,status,latency")


def _of_csv(line: str) -> Seen:
    time, status, latency, *_ = line.strip().split(",")
    seconds = float(latency) if latency.strip() else None
    if seconds is not None and not 0 <= seconds < 86_400:
        raise ValueError
    return Seen(
        at_s=_epoch(time.strip()),
        latency_s=None if seconds is None else max(seconds, _LEAST_S),
        is_error=500 <= int(status) < 600,
    )


def _epoch(time: str) -> float:
    try:
        return float(time)
    except ValueError:
        found = datetime.fromisoformat(time)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
