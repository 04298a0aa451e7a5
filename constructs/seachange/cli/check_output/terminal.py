"""For people: a line per revision, and below it what was found, with problem and remedy."""

import io
import sys
from collections import Counter

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from seachange.cli.check_output.levels import Level, level, place
from seachange_migrations.check import Finding, Result, RevisionResult, Source, Verdict

COLOURS = {
    Verdict.SAFE: "green",
    Verdict.UNKNOWN: "yellow",
    Verdict.LOCK_HAZARD: "red",
    Verdict.DATA: "red",
    Verdict.CONTRACT: "red",
}
WIDEST = 110


def terminal(result: Result) -> str:
    """The text, coloured when it goes to a terminal."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=sys.stdout.isatty(), width=min(Console().width, WIDEST), highlight=False)
    for revision in result.revisions:
        console.print(_head(revision), soft_wrap=True)
        for finding in revision.findings:
            console.print(Padding(_finding(finding, revision), (0, 0, 0, 4)))
    for note in result.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    console.print(_summary(result))
    # Padding fills lines up.
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _head(result: RevisionResult) -> Text:
    expected = result.verdict is Verdict.CONTRACT and not result.refused
    colour = "green" if expected else COLOURS[result.verdict]
    return Text.assemble(
        (f"{result.verdict:<12}", colour), f"{result.revision} ({result.phase})  ", (place(result.path), "dim")
    )


def _finding(finding: Finding, result: RevisionResult) -> Text:
    found = level(finding, result)
    colour = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "dim"}[found]
    line = f"line {finding.line}: " if finding.line else ""
    seen = "" if finding.source is Source.SQL else f", {finding.source}"
    text = Text.assemble(line, (finding.rule, colour), f" ({finding.verdict}{seen}): {finding.problem} ")
    if finding.allowed:
        return text.append(f"Allowed: {finding.allowed}", "dim")
    return text.append("A contract revision may.", "dim") if found is Level.NOTE else text.append(finding.remedy)


def _summary(result: Result) -> Text:
    counted = Counter(revision.verdict for revision in result.revisions)
    verdicts = ", ".join(f"{counted[verdict]} {verdict}" for verdict in reversed(Verdict) if counted[verdict])
    refused = sum(bool(revision.refused) for revision in result.revisions)
    count = len(result.revisions)
    text = Text(f"{count} {'revision' if count == 1 else 'revisions'}: {verdicts or 'none to check'}")
    as_it_is = "as it is" if refused == 1 else "as they are"
    return text.append(f"; {refused} must not run {as_it_is}", "red") if refused else text
