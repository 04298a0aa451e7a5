"""One fact, and how AWS is asked about it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.aws_acceptance.stage import Stage


class Verdict(StrEnum):
    """What a check found."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """A verdict, and what it rests on."""

    verdict: Verdict
    because: str


def confirmed(because: str) -> Finding:
    """AWS does what the fact says."""
    return Finding(Verdict.CONFIRMED, because)


def refuted(because: str) -> Finding:
    """AWS does something else."""
    return Finding(Verdict.REFUTED, because)


def unknown(because: str) -> Finding:
    """What was seen decides nothing."""
    return Finding(Verdict.UNKNOWN, because)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        id: Its name on the command line and in the evidence.
        fact: What is claimed.
        sources: Where: the file below docs/facts/ and words of the line that claims it; the test of the list looks for them.
        does: What it does on AWS.
        decides: What makes it confirmed or refuted; anything else is unknown.
        minutes: How long it takes, about.
        run: The check itself.
    """

    id: str
    fact: str
    sources: tuple[tuple[str, str], ...]
    does: str
    decides: str
    minutes: int
    run: "Callable[[Stage], Finding]"
