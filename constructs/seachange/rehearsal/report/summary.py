"""Markdown for a GitHub step summary or a pull request's comment."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seachange.rehearsal.report import words
from seachange.rehearsal.report.claims import Claim, claims
from seachange.rehearsal.report.drills import SCHEMA as DRILLS_SCHEMA

_MARKS = {"holds": "✅", "broken": "❌", "open": "⚪"}
_MOST_CAUSES = 5
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")


def summary(report: Mapping[str, Any]) -> str:
    """The report in Markdown: verdict and reasons, the claims, and what a reviewer asks next.

    Args:
        report: A rehearsal's report, or the table of its drills.
    """
    parts = _drills(report) if report["schema"] == DRILLS_SCHEMA else _rehearsal(report)
    return "\n\n".join([*filter(None, parts), f"```\n{report['repeat']}\n```"]) + "\n"


def _rehearsal(report: Mapping[str, Any]) -> Iterable[str]:
    mark = "⚠️" if report["at_fault"] == "machine" else _MARKS["holds" if report["verdict"] == "pass" else "broken"]
    yield f"## {mark} {_text(words.headline(report))}"
    yield (
        f"{_releases(report)}: {words.count(report['rate'])} requests a second, the plan {report['speed']:g} times as fast."
    )
    yield _list([*report["reasons"], *report["machine"]["faults"]])
    shown = [claim for claim in claims(report)[1:] if claim.answer != "holds" or not claim.name.startswith("alarm ")]
    quiet = sum(alarm["decisive"] and alarm["exercised"] and not alarm["fired"] for alarm in report["alarms"])
    yield _claims(shown, quiet)
    yield _causes(report["incidents"])
    yield _table(
        ["Latency", "median", "p99", "longest"],
        [
            [period, *(words.ms(spread[name]) for name in ("p50", "p99", "max"))]
            for period, spread in report["latency_ms"].items()
            if spread
        ],
    )
    yield _table(
        ["Revision", "took", "longest wait for a lock", "rows backfilled"],
        [
            [
                f"{cost['revision']}, {cost['phase']}",
                words.duration(cost["duration_s"]),
                words.ms(cost["lock_wait_ms"]),
                words.count(cost["rows_backfilled"]),
            ]
            for cost in report["migration"]["costs"]
        ],
    )
    if report["recommendations"]:
        yield "### What to do\n\n" + _list(report["recommendations"])
    yield _folded(f"What this does not prove: {len(report['not_rehearsed'])} things", _list(report["not_rehearsed"]))


def _drills(report: Mapping[str, Any]) -> Iterable[str]:
    decided = [drill for drill in report["drills"] if drill["as_expected"] is not None]
    met = sum(drill["as_expected"] for drill in decided)
    yield f"## {_MARKS['holds' if report['verdict'] == 'pass' else 'broken']} {met} of {len(decided)} drills came out as expected"
    yield f"{_releases(report)}."
    yield _list(report["reasons"])
    yield _table(
        ["", "Drill", "P(rolled back)", "expected", "outcome", "failed", "divergent"],
        [
            [
                _MARKS[claim.answer],
                drill["name"],
                words.chance(drill["probability"]),
                drill["expected"],
                drill["outcome"],
                words.count(drill["failed"]),
                words.count(drill["divergent"]),
            ]
            for drill, claim in zip(report["drills"], claims(report), strict=True)
        ],
    )


def _claims(shown: Sequence[Claim], quiet: int) -> str:
    rows = [[_MARKS[claim.answer], claim.name, claim.text] for claim in shown]
    if quiet:
        rows.append([_MARKS["holds"], "alarms that may stop the deployment", f"{quiet} stayed quiet"])
    return _table(["", "Claim", "Found"], rows)


def _causes(incidents: Mapping[str, Any]) -> str:
    causes = incidents["causes"]
    lines = [
        f"{words.count(entry['failed'])} failed, {words.count(entry['slow'])} slow: {entry['cause']}"
        for entry in causes[:_MOST_CAUSES]
    ]
    if len(causes) > _MOST_CAUSES:
        lines.append(f"and {len(causes) - _MOST_CAUSES} further causes")
    return "### Failed and slow requests\n\n" + _list(lines) if lines else ""


def _releases(report: Mapping[str, Any]) -> str:
    return f"{_text(report['releases']['blue'])} → {_text(report['releases']['green'])}"


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {_text(text)}" for text in texts)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [[_text(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines))


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{_text(title)}</summary>\n\n{content}\n\n</details>" if content else ""


def _text(text: str) -> str:
    """A text of anybody's as Markdown that says the same and does nothing."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
