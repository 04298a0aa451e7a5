"""A workload: the statements that a serving release executes."""

from dataclasses import dataclass

Values = tuple[str | None, ...]
"""Parameters as PostgreSQL writes them in text."""


@dataclass(frozen=True, kw_only=True)
class WorkloadStatement:
    """`sql` with its placeholders `$1`, `$2`, …; `role` is who executes it.

    `recorded` has the parameters of each recorded execution; none when only the text is known. They are never shown.
    """

    sql: str
    role: str
    recorded: tuple[Values, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A statement about which nothing can be said, and why, in words without any value."""

    sql: str
    role: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Statements, recorded ones first. `origin` says in words where they come from; `unknown` are those that cannot be used.

    `doubted_s`: they may be an older release's; whether one that breaks is still executed shows within that many seconds.
    None where nothing is in doubt.
    """

    statements: tuple[WorkloadStatement, ...]
    origin: str
    unknown: tuple[Unknown, ...] = ()
    doubted_s: float | None = None
