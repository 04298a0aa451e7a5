"""Every failed or slow request with its cause, in words: the client's records, joined with the load balancer's log by the request's number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# A request is slow above this, or above five times what the baseline's slowest percent took.
SLOW_S = 0.1
SLOW_FACTOR = 5.0


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request as the client saw it; times in seconds, `intended` of the epoch. `path` is the request's template, without values."""

    number: int
    method: str
    path: str
    intended: float
    lag_s: float
    latency_s: float
    status: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class Logged:
    """The same request as the load balancer logged it.

    Attributes:
        flags: Envoy's response flags, such as `UF`; none for a target's own answer.
        target_s: Seconds from the request's last byte to the target's first; None without an answer of the target.
    """

    number: int
    colour: str
    status: int
    flags: frozenset[str]
    target_s: float | None


@dataclass(frozen=True, kw_only=True)
class Span:
    """Something that lasted, in epoch seconds, said in words that follow "while": `the database restarted`."""

    start: float
    end: float
    words: str


@dataclass(frozen=True, kw_only=True)
class LockWait:
    """Sessions that waited for a lock when somebody looked.

    Attributes:
        at: When, in epoch seconds.
        longest_s: How long the longest of them had waited by then.
        blocked_by: Who held it, in words: `the migration's revision 0002`.
    """

    at: float
    longest_s: float
    blocked_by: str


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What else went on; everything in epoch seconds.

    Attributes:
        lock_waits: Waits of the services' sessions.
        events: What happened to the world, most telling first: a database that restarted, tasks that ended.
        phases: The rehearsal's phases, and the migration's revisions.
    """

    lock_waits: tuple[LockWait, ...] = ()
    events: tuple[Span, ...] = ()
    phases: tuple[Span, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One failed or slow request with its cause."""

    sent: Sent
    colour: str | None
    cause: str


@dataclass(frozen=True, kw_only=True)
class Incidents:
    """All of them, in the order in which they were sent."""

    slow_above_s: float
    failed: tuple[Incident, ...]
    slow: tuple[Incident, ...]

    def report(self, *, started: float, at_most: int = 200) -> dict[str, Any]:
        """The key `incidents` of report.json.

        Args:
            started: The rehearsal's second 0, in epoch seconds.
            at_most: How many are listed, failed ones first; 200 by default.
        """
        listed = [*self.failed, *self.slow][:at_most]
        return {
            "failed": len(self.failed),
            "slow": len(self.slow),
            "slow_above_ms": round(1000 * self.slow_above_s, 1),
            "listed": [
                {
                    "at_s": round(incident.sent.intended - started, 2),
                    "method": incident.sent.method,
                    "path": incident.sent.path,
                    "colour": incident.colour,
                    "status": incident.sent.status,
                    "latency_ms": round(1000 * incident.sent.latency_s, 1),
                    "problem": incident.sent.problem,
                    "cause": incident.cause,
                }
                for incident in sorted(listed, key=lambda incident: incident.sent.intended)
            ],
        }


def find(
    sent: Iterable[Sent], logged: Mapping[int, Logged], surroundings: Surroundings, *, baseline_p99_s: float
) -> Incidents:
    """Every failed or slow request with its cause.

    Args:
        sent: The client's records.
        logged: The load balancer's, by number.
        surroundings: What else went on.
        baseline_p99_s: The 99th percentile of the latency before anything changed, in seconds.
    """
    slow_above = max(SLOW_S, SLOW_FACTOR * baseline_p99_s)
    failed: list[Incident] = []
    slow: list[Incident] = []
    for request in sorted(sent, key=lambda request: request.intended):
        if not request.problem and request.latency_s <= slow_above:
            continue
        entry = logged.get(request.number)
        incident = Incident(
            sent=request, colour=entry.colour if entry else None, cause=cause(request, entry, surroundings)
        )
        (failed if request.problem else slow).append(incident)
    return Incidents(slow_above_s=slow_above, failed=tuple(failed), slow=tuple(slow))


def cause(sent: Sent, logged: Logged | None, surroundings: Surroundings) -> str:
    """Why a request failed or was slow, in words; it begins with `unknown` when nothing explains it."""
    del logged, surroundings
    return f"unknown: {sent.problem or 'slow'}"
