"""Each rule refuses what it should, and lets pass what is like it."""

from pathlib import Path

import pytest

from seachange_migrations.check import RevisionResult, check
from seachange_migrations.check.rule import rules
from tests.migrations.check.cases import CASES, SCHEMA, Sql
from tests.migrations.databases import AlembicDirectory

REFUSED = [(rule, case) for rule, cases in CASES.items() for case in cases.refused]
ALLOWED = [(rule, case) for rule, cases in CASES.items() for case in cases.allowed]
# They speak of the whole revision or of its Python; tests of their own hold their cases.
ELSEWHERE = {"not-rendered", "cannot-run", "row-loop", "batch-recreate", "drop-synced"}


def checked(path: Path, case: Sql) -> RevisionResult:
    directory = AlembicDirectory(path / "migrations")
    directory.revision("0001", None, SCHEMA)
    body = "\n".join(f"op.execute({statement!r})" for statement in case.statements)
    if case.alone:
        body = "with op.get_context().autocommit_block():\n" + "\n".join(f"    {line}" for line in body.splitlines())
    directory.revision("0002", "0001", body=body)
    [result] = check(directory.path, revisions=["0002"]).revisions
    return result


@pytest.mark.parametrize(("rule", "case"), REFUSED, ids=str)
def test_refused(tmp_path: Path, rule: str, case: Sql) -> None:
    found = {finding.verdict: finding for finding in checked(tmp_path, case).findings if finding.rule == rule}
    assert (case.verdict or rules()[rule].verdict) in found
    for finding in found.values():
        assert finding.problem.endswith(".")
        assert finding.remedy.endswith(".")
        assert finding.line is not None


@pytest.mark.parametrize(("rule", "case"), ALLOWED, ids=str)
def test_allowed(tmp_path: Path, rule: str, case: Sql) -> None:
    assert rule not in {finding.rule for finding in checked(tmp_path, case).findings}


def test_every_rule_has_cases() -> None:
    assert set(CASES) | ELSEWHERE == set(rules())
    assert all(cases.refused and cases.allowed for cases in CASES.values())
