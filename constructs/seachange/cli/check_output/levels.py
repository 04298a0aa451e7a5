"""How grave a finding is for whoever reads it, and where it is."""

import os
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
    """The path as seen from the working directory."""
    return _below(Path(path).resolve(), Path.cwd())


def place_in_repository(path: str) -> str:
    """The path as a pull request names it: from GITHUB_WORKSPACE, else from the repository that it lies in, else as `place`."""
    absolute, workspace = Path(path).resolve(), os.environ.get("GITHUB_WORKSPACE")
    roots = [Path(workspace).resolve()] if workspace else []
    roots += [parent for parent in absolute.parents if (parent / ".git").exists()][:1]
    return _below(absolute, next((root for root in roots if absolute.is_relative_to(root)), Path.cwd()))


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
