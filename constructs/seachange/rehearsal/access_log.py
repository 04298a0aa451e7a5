"""What became of each request, read from the load balancer's access log in an ALB's words.

`OUTCOMES` is the one table between the two: Envoy's response flags on one side, the ALB's status and what it counts on the other.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# The group of a request that the listener answered by itself.
NO_GROUP = "-"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One way in which a request ends.

    Attributes:
        what: In plain words, of the target or the client.
        flags: The response flags with which Envoy tells it.
        status: The ALB's own status, which names no target group in CloudWatch; None when the target's answer counts.
        chosen: Whether a target had been chosen, so that RequestCount counts the request.
        connection_error: Whether TargetConnectionErrorCount counts it.
    """

    what: str
    flags: frozenset[str] = frozenset()
    status: int | None = None
    chosen: bool = True
    connection_error: bool = False


ANSWERED = Outcome(what="the target answered")
BY_ITSELF = Outcome(what="the listener answered by itself", chosen=False)
NO_TARGET = Outcome(what="the group has no target", flags=frozenset({"UH", "NC", "NR", "UO"}), status=503, chosen=False)
OUTCOMES = (
    Outcome(
        what="no target could be reached: refused, or no connection in time",
        flags=frozenset({"UF"}),
        status=502,
        connection_error=True,
    ),
    Outcome(what="the target closed the connection without an answer", flags=frozenset({"UC", "UR", "LR"}), status=502),
    Outcome(what="the target's answer is no HTTP", flags=frozenset({"UPE"}), status=502),
    Outcome(what="the target did not answer within the idle timeout", flags=frozenset({"UT", "SI"}), status=504),
    NO_TARGET,
    Outcome(what="the request is no HTTP", flags=frozenset({"DPE"}), status=400, chosen=False),
    # 460 is a client's error: the ALB counts it among its 4xx.
    Outcome(what="the client left before the answer", flags=frozenset({"DC", "DR"}), status=460),
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request of the production listener.

    Attributes:
        number: The load's number for it; None when it has none.
        at: The epoch second at which it ended.
        group: `blue` or `green`, or `NO_GROUP`.
        status: As the ALB would have answered.
        target_s: Seconds from the request sent to the first of the response's headers; None without an answer.
        outcome: What became of it.
    """

    number: str | None
    at: float
    group: str
    status: int
    target_s: float | None
    outcome: Outcome

    @property
    def cause(self) -> str:
        """Why it failed, in a clause; empty for an answer of the target's below 500."""
        if self.outcome is ANSWERED:
            return "" if self.status < 500 else f"{self.group} answered {self.status}"
        where = "" if self.group == NO_GROUP else f" ({self.group})"
        return f"{self.outcome.what}{where}: the load balancer answered {self.status}"


def parse(line: str) -> Entry:
    """One line of the log; ValueError, KeyError or TypeError when it is none of ours."""
    entry = json.loads(line)
    target_us = entry["target_us"]
    at = float(entry["start"]) + float(entry["duration_us"] or target_us or 0) / 1e6
    status = int(entry["status"])
    outcome = _outcome(entry)
    return Entry(
        number=entry["number"],
        at=at,
        group=entry["colour"] or NO_GROUP,
        status=outcome.status or status,
        target_s=None if target_us is None else float(target_us) / 1e6,
        outcome=outcome,
    )


def numbered(log: Path, numbers: Iterable[str]) -> dict[str, Entry]:
    """The requests with these numbers."""
    wanted = set(numbers)
    with log.open(encoding="utf-8") as lines:
        entries = (parse(line) for line in lines if line.endswith("\n"))
        return {entry.number: entry for entry in entries if entry.number in wanted}


def _outcome(entry: dict[str, object]) -> Outcome:
    # A target that hangs up in the middle of its answer, or whose client does, has answered, as far as the status goes.
    if entry["target_us"] is not None:
        return ANSWERED
    flags = set(str(entry["flags"]).split(","))
    return next((outcome for outcome in OUTCOMES if outcome.flags & flags), BY_ITSELF)
