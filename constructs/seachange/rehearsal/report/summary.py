"""Markdown for a GitHub step summary or a pull request's comment."""

from collections.abc import Mapping
from typing import Any

from seachange.rehearsal.report.claims import claims


def summary(report: Mapping[str, Any]) -> str:
    """The report in a few lines of Markdown."""
    lines = [f"- {claim.name}: {claim.text}" for claim in claims(report)]
    return "\n".join([f"## Rehearsal: {report['verdict']}", "", *lines, ""])
