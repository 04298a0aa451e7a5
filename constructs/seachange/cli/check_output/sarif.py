"""For code scanning: SARIF 2.1.0.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from seachange.cli.check_output.levels import level, place_in_repository
from seachange_migrations.check import Finding, Result, RevisionResult
from seachange_migrations.check.rule import explanations


def sarif(result: Result) -> dict[str, Any]:
    """The log of one run; what an author allows is in it as suppressed."""
    rules = sorted(explanations())
    numbers = {rule: number for number, rule in enumerate(rules)}
    found = [(finding, revision) for revision in result.revisions for finding in revision.findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "seachange",
                        "version": version("seachange"),
                        "rules": [_rule(rule) for rule in rules],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"message": {"text": note}, "level": "note"} for note in result.notes
                        ],
                    }
                ],
                "results": [_result(finding, revision, numbers[finding.rule]) for finding, revision in found],
            }
        ],
    }


def _rule(rule: str) -> dict[str, Any]:
    first, _, rest = explanations()[rule].strip().partition("\n")
    return {
        "id": rule,
        "shortDescription": {"text": first},
        "fullDescription": {"text": " ".join(rest.split()) or first},
    }


def _result(finding: Finding, result: RevisionResult, number: int) -> dict[str, Any]:
    location = {
        "artifactLocation": {"uri": quote(place_in_repository(result.path))},
        "region": {"startLine": finding.line or 1},
    }
    suppressions = [{"kind": "inSource", "justification": finding.allowed}] if finding.allowed else []
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": level(finding, result).value,
        "message": {"text": f"{finding.problem} {finding.remedy}"},
        "locations": [{"physicalLocation": location}],
        "suppressions": suppressions,
        "properties": {
            "verdict": finding.verdict.value,
            "source": finding.source.value,
            "revision": result.revision,
            "statement": finding.statement,
        },
    }
