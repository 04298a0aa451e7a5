"""Every failed or slow request with its cause, in words: the client's records, joined with the load balancer's log by the request's number."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seachange.rehearsal.access_log import NO_GROUP, Entry
from seachange.rehearsal.load import Record

# A request is slow above this, or above five times what the baseline's slowest percent took.
SLOW_S = 0.1
SLOW_FACTOR = 5.0

_WAITED = "waited for a lock of"
# How the load's client begins a problem when its patience ended.
_TIMED_OUT = "no answer within"


@dataclass(frozen=True, kw_only=True)
class Happening:
    """Something that lasted, in epoch seconds.

    Attributes:
        words: What it was, as a clause that may follow "while": `the database restarted`, `blue's tasks were ending`.
        colour: Whose requests it explains; everybody's by default.
    """

    start: float
    end: float
    words: str
    colour: str | None = None


@dataclass(frozen=True, kw_only=True)
class LockWait:
    """Sessions of the service that waited for a lock when somebody looked.

    Attributes:
        at: When, in epoch seconds.
        longest_s: For how many seconds the longest of them had waited by then.
        blocked_by: Who held the lock, in words: `the migration's revision 0002`; empty when it was gone already.
    """

    at: float
    longest_s: float
    blocked_by: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What else went on.

    Attributes:
        lock_waits: Waits for locks, as they were seen.
        happenings: What explains a request that failed or was slow, the most telling first.
        background: What the machine was busy with, as a noun: `the migration's revision 0003`. It makes a target slow, and fails nobody.
    """

    lock_waits: tuple[LockWait, ...] = ()
    happenings: tuple[Happening, ...] = ()
    background: tuple[Happening, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One failed or slow request with its cause; `colour` is None when no target group had it."""

    record: Record
    colour: str | None
    cause: str


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """All failed and all slow requests of a rehearsal, each in the order in which they should have left."""

    slow_above_s: float
    failed: tuple[Incident, ...]
    slow: tuple[Incident, ...]

    def report(self, *, started: float, at_most: int = 200) -> dict[str, Any]:
        """The key `incidents` of report.json.

        Args:
            started: The rehearsal's second 0, in epoch seconds.
            at_most: How many are listed, the failed ones first; 200 by default. The causes count them all.
        """
        failed = Counter(incident.cause for incident in self.failed)
        slow = Counter(incident.cause for incident in self.slow)
        return {
            "failed": len(self.failed),
            "slow": len(self.slow),
            "slow_above_ms": round(1000 * self.slow_above_s, 1),
            "causes": [
                {"cause": cause, "failed": failed[cause], "slow": slow[cause]}
                for cause, _ in (failed + slow).most_common()
            ],
            "listed": [
                {
                    "at_s": round(incident.record.intended - started, 2),
                    "method": incident.record.method,
                    "path": incident.record.path,
                    "colour": incident.colour,
                    "status": incident.record.status,
                    "latency_ms": round(1000 * incident.record.latency_s, 1),
                    "problem": incident.record.problem,
                    "cause": incident.cause,
                }
                for incident in (*self.failed, *self.slow)[:at_most]
            ],
        }


def find(
    records: Iterable[Record],
    logged: Mapping[int, Entry],
    surroundings: Surroundings,
    *,
    baseline_p99_s: float,
    green_from: float,
) -> Incidents:
    """Every failed or slow request with its cause.

    Args:
        records: What the client saw of each request.
        logged: What the load balancer wrote of them, by the request's number.
        surroundings: What else went on.
        baseline_p99_s: The 99th percentile of the latency before anything changed, in seconds.
        green_from: The epoch second from which green's group holds green; before it, blue's build stands in both.
    """
    slow_above = max(SLOW_S, SLOW_FACTOR * baseline_p99_s)
    failed: list[Incident] = []
    slow: list[Incident] = []
    for record in sorted(records, key=lambda record: record.intended):
        if not record.problem and record.latency_s <= slow_above:
            continue
        entry = logged.get(record.number)
        if entry is not None and entry.group == "green" and record.sent < green_from:
            entry = replace(entry, group="blue")
        incident = Incident(
            record=record,
            colour=None if entry is None or entry.group == NO_GROUP else entry.group,
            cause=cause(record, entry, surroundings),
        )
        (failed if record.problem else slow).append(incident)
    return Incidents(slow_above_s=slow_above, failed=tuple(failed), slow=tuple(slow))


def cause(record: Record, entry: Entry | None, surroundings: Surroundings) -> str:
    """Why a request failed or was slow, in words without its own numbers, so that equal causes can be counted.

    It begins with `unknown` when nothing that was seen explains it.
    """
    if record.lag_s > record.latency_s / 2:
        return "this machine was late: the load generator sent it too late"
    why = _why(record, entry, surroundings)
    if not record.problem:
        return why or _slow(record, entry, surroundings)
    what = _failure(record, entry)
    if why is None:
        return what
    return f"{what}: it {why}" if why.startswith(_WAITED) else f"{what}, while {why}"


def _why(record: Record, entry: Entry | None, surroundings: Surroundings) -> str | None:
    """What went on while the request was under way, the most telling alone."""
    for wait in surroundings.lock_waits:
        if wait.at - wait.longest_s < record.intended + record.latency_s and record.intended < wait.at:
            return f"{_WAITED} {wait.blocked_by or 'a session that is gone'}"
    return _meanwhile(record, entry, surroundings.happenings)


def _meanwhile(record: Record, entry: Entry | None, happenings: Iterable[Happening]) -> str | None:
    """The first of the happenings that concerns the request and overlaps it."""
    for happening in happenings:
        concerned = happening.colour is None or entry is None or happening.colour == entry.group
        if concerned and happening.start < record.intended + record.latency_s and record.intended < happening.end:
            return happening.words
    return None


def _failure(record: Record, entry: Entry | None) -> str:
    """What the client and the load balancer saw of a failed request."""
    if entry is None:
        return f"unknown: the load balancer has no record of it; for the client it was {record.problem}"
    if record.problem.startswith(_TIMED_OUT):
        return f"{entry.group} gave {record.problem}"
    if entry.cause:
        return entry.cause
    if record.status:
        return f"{entry.group} answered {record.status}, which the load does not expect"
    return f"unknown: the load balancer passed on a {entry.status}; for the client it was {record.problem}"


def _slow(record: Record, entry: Entry | None, surroundings: Surroundings) -> str:
    """Where the time of a slow request went."""
    if entry is None:
        return "unknown: the load balancer has no record of it"
    if entry.target_s is not None and entry.target_s > record.latency_s / 2:
        busy = _meanwhile(record, entry, surroundings.background)
        return f"{entry.group} was slow to answer" + (f", during {busy}" if busy else "")
    return "unknown: its target answered in time, and the rest of its way took long"
