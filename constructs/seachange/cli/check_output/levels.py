"""How grave a finding is for whoever reads it, and where it is."""

from enum import StrEnum
from pathlib import Path

from seachange_migrations.check import Finding, RevisionResult, Verdict


class Level(StrEnum):
    """In the words that SARIF has for it."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def level(finding: Finding, result: RevisionResult) -> Level:
    """An error is what makes the check say no; a note is allowed, or expected in a contract revision."""
    if finding in result.refused:
        return Level.ERROR
    return Level.WARNING if finding.allowed is None and finding.verdict is Verdict.UNKNOWN else Level.NOTE


def place(path: str) -> str:
    """The path as seen from the working directory, which in a pipeline is the repository."""
    absolute, here = Path(path).resolve(), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else absolute.as_posix()
