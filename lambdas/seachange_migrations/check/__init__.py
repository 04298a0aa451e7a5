"""`check`: what each revision of an Alembic directory does to a serving release, from the SQL that it emits."""

from collections.abc import Sequence
from pathlib import Path

from seachange_migrations.check.findings import Finding, Result, RevisionResult, Source, Verdict
from seachange_migrations.check.statement import Emitted, RevisionObservation, Statement

__all__ = [
    "Emitted",
    "Finding",
    "Result",
    "RevisionObservation",
    "RevisionResult",
    "Source",
    "Statement",
    "Verdict",
    "check",
    "contract_findings",
]


def check(
    directory: Path,
    *,
    revisions: Sequence[str] | None = None,
    observations: Sequence[RevisionObservation] = (),
) -> Result:
    """Checks `revisions` of the Alembic `directory`, all of them by default, in the order in which they are applied.

    Needs no database and does not run env.py. `observations` add what a scratch database showed. Raises
    InvalidDirectoryError when the revisions cannot be read.
    """
    from seachange_migrations.check.judge import judge

    return judge(directory, revisions=revisions, observations=observations)


def contract_findings(directory: Path, *, revisions: Sequence[str] | None = None) -> list[Finding]:
    """What the expand revisions among `revisions`, all by default, do that breaks the serving release; not what is allowed."""
    from seachange_migrations.phases import Phase

    return [
        finding
        for result in check(directory, revisions=revisions).revisions
        if result.phase is Phase.EXPAND
        for finding in result.findings
        if finding.verdict is Verdict.CONTRACT and finding.allowed is None
    ]
