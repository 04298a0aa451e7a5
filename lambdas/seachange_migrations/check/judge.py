"""From an Alembic directory to a result: what each revision emits, parsed, shown to every rule, less what authors allow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from alembic.script import Script

from seachange_migrations.check.blocks import executed_by
from seachange_migrations.check.emitted import emitted
from seachange_migrations.check.findings import Finding, Result, RevisionResult
from seachange_migrations.check.parser import NotParsedError, Parsed, parse
from seachange_migrations.check.revisions import opened
from seachange_migrations.check.rule import Hit, Rule, explanations, rules
from seachange_migrations.check.rules import cannot_run, not_parsed, not_rendered
from seachange_migrations.check.shown import shown
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.check.source import RevisionSource, read_source
from seachange_migrations.check.statement import Emitted, RevisionObservation, Statement
from seachange_migrations.check.tables import Tables
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.phases import Phase, phases


def judge(directory: Path, *, revisions: Sequence[str] | None, observations: Sequence[RevisionObservation]) -> Result:
    """See `check`. Revisions that are not asked for are rendered too: what they made is knowledge."""
    script, config = opened(directory)
    phase_of = phases(script)
    if unknown := [revision for revision in revisions or () if revision not in phase_of]:
        raise InvalidRequestError(f"{', '.join(unknown)}: no revision of {str(directory)!r}")
    observed = {observation.revision: observation for observation in observations}
    tables = Tables()
    results: list[RevisionResult] = []
    notes: list[str] = []
    for revision in reversed(list(script.walk_revisions())):
        source = read_source(revision.path, explanations())
        observation = observed.get(revision.revision)
        statements = shown(emitted(script, revision, config), observation.statements if observation else None)
        phase = phase_of[revision.revision]
        findings = [
            *_findings(statements, source, SoFar(phase=phase, tables=tables), tried=observation is not None),
            *(observation.findings if observation else ()),
        ]
        if statements.problem:
            tables.forget(source.text)
        if revisions is None or revision.revision in revisions:
            results.append(_result(revision, phase, findings, source))
            notes += _unused(revision, findings, source)
    return Result(revisions=tuple(results), notes=tuple(notes))


def _result(revision: Script, phase: Phase, findings: Iterable[Finding], source: RevisionSource) -> RevisionResult:
    named = (replace(finding, revision=revision.revision, allowed=_allowed(finding, source)) for finding in findings)
    return RevisionResult(revision=revision.revision, path=revision.path, phase=phase, findings=tuple(named))


def _allowed(finding: Finding, source: RevisionSource) -> str | None:
    return next((allow.reason for allow in source.allows if allow.covers(finding.rule, finding.line)), finding.allowed)


def _unused(revision: Script, findings: Sequence[Finding], source: RevisionSource) -> Iterator[str]:
    for allow in source.allows:
        if not any(allow.covers(finding.rule, finding.line) for finding in findings):
            yield f"{revision.path}, line {allow.line}: allows {allow.rule}, which nothing here breaks; delete the comment"


def _findings(revision: Emitted, source: RevisionSource, so_far: SoFar, *, tried: bool) -> Iterator[Finding]:
    for statement in revision.statements:
        for parsed in _parsed(statement):
            if isinstance(parsed, Finding):
                yield parsed
                continue
            so_far.begin(parsed)
            yield from _asked(parsed, so_far)
            for inner in executed_by(parsed):
                yield from _asked(inner, so_far)
                so_far.apply(inner)
            so_far.apply(parsed)
    for rule in rules().values():
        for line, hit in rule.find_in_source(source.tree) if rule.find_in_source else ():
            yield _finding(rule, hit, source.statement_at(line), line)
    if revision.problem and revision.certain:
        hit = cannot_run.hit(revision.problem, question=revision.question)
        yield _finding(rules()["cannot-run"], hit, "", revision.line)
    elif revision.problem:
        yield _finding(rules()["not-rendered"], not_rendered.hit(revision.problem, tried=tried), "", revision.line)


def _parsed(statement: Statement) -> Iterator[Parsed | Finding]:
    if not statement.sql and statement.operation:
        yield Parsed(
            sql=f"op.{statement.operation}(…)",
            kind="operation",
            node=None,
            line=statement.line,
            operation=statement.operation,
        )
        return
    try:
        yield from parse(statement)
    except NotParsedError as error:
        yield _finding(rules()["not-parsed"], not_parsed.hit(str(error)), statement.sql, statement.line)


def _asked(parsed: Parsed, so_far: SoFar) -> Iterator[Finding]:
    for rule in rules().values():
        if rule.find and (rule.asks_operations or not parsed.operation):
            for hit in rule.find(parsed, so_far):
                yield _finding(rule, hit, parsed.sql, parsed.line)


def _finding(rule: Rule, hit: Hit, sql: str, line: int | None) -> Finding:
    return Finding(
        rule=rule.id,
        verdict=hit.verdict or rule.verdict,
        statement=sql,
        problem=f"it {hit.problem}",
        remedy=hit.remedy,
        line=line,
    )
