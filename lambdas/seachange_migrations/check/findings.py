"""What a check finds, and its JSON form `seachange.check/1`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seachange_migrations.phases import Phase

SCHEMA = "seachange.check/1"


class Verdict(StrEnum):
    """What a revision does to a serving release, from harmless to worst."""

    SAFE = "safe"
    UNKNOWN = "unknown"
    LOCK_HAZARD = "lock-hazard"
    DATA = "data"
    CONTRACT = "contract"

    @property
    def severity(self) -> int:
        return list(Verdict).index(self)


class Source(StrEnum):
    """Where a finding comes from: the emitted SQL, a scratch database, or the serving release's own statements."""

    SQL = "sql"
    OBSERVED = "observed"
    WORKLOAD = "workload"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a revision does and should not.

    `line` is the one in the revision's file that emitted `statement`; None where nobody knows. `allowed` is the reason
    that the author gave for allowing it, None where nobody did. `revision` is filled in by `check`.
    """

    rule: str
    verdict: Verdict
    statement: str
    problem: str
    remedy: str
    line: int | None = None
    source: Source = Source.SQL
    allowed: str | None = None
    revision: str = ""

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line else ""
        return f"revision {self.revision}{line}: {self.problem} {self.remedy} {self.or_allow}"

    @property
    def or_allow(self) -> str:
        """What to write for who knows better."""
        # Where no line is known, only a comment that holds for the whole revision covers it.
        where = "above the statement" if self.line else "below its docstring"
        return f"Or allow it in the revision, {where}: `# seachange: allow {self.rule} because …`."

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "verdict": self.verdict.value,
            "statement": self.statement,
            "line": self.line,
            "problem": self.problem,
            "remedy": self.remedy,
            "source": self.source.value,
            "allowed": self.allowed,
        }


@dataclass(frozen=True, kw_only=True)
class RevisionResult:
    """All that was found in one revision."""

    revision: str
    path: str
    phase: Phase
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of what nobody allowed."""
        open_findings = (finding.verdict for finding in self.findings if finding.allowed is None)
        return max(open_findings, key=lambda verdict: verdict.severity, default=Verdict.SAFE)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What must not run as it is: a contract revision may break the release that went, any other may not."""
        harmless = {Verdict.UNKNOWN} | ({Verdict.CONTRACT} if self.phase is Phase.CONTRACT else set())
        return tuple(found for found in self.findings if found.allowed is None and found.verdict not in harmless)

    def to_json(self) -> dict[str, Any]:
        return {
            "revision": self.revision,
            "path": self.path,
            "phase": self.phase.value,
            "verdict": self.verdict.value,
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True, kw_only=True)
class Result:
    """The checked revisions in the order in which they are applied.

    `notes` say what the check could not see, in words.
    """

    revisions: tuple[RevisionResult, ...]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "revisions": [result.to_json() for result in self.revisions],
            "notes": list(self.notes),
        }
