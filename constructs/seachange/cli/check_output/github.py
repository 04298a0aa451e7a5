"""For a pull request: workflow commands of GitHub Actions, which shows each at its line.

Source: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from seachange.cli.check_output.levels import Level, level, place_in_repository
from seachange_migrations.check import Finding, Result, RevisionResult


def github(result: Result) -> str:
    """One command per line; what the author allows, and what a contract revision may do, is left out."""
    lines = [
        _command(finding, revision)
        for revision in result.revisions
        for finding in revision.findings
        if level(finding, revision) is not Level.NOTE
    ]
    return "\n".join([*lines, *(f"::notice::{_text(note)}" for note in result.notes)])


def _command(finding: Finding, result: RevisionResult) -> str:
    properties = {
        "file": place_in_repository(result.path),
        "line": str(finding.line or 1),
        "title": f"{finding.verdict}: {finding.rule}",
    }
    where = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level(finding, result)} {where}::{_text(f'{finding.problem} {finding.remedy}')}"


def _text(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _text(value).replace(":", "%3A").replace(",", "%2C")
