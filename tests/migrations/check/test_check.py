"""`check` as a whole: verdicts, phases, what stands in for what, and what it says of bad input."""

import json
import subprocess
import sys

import pytest

from seachange_migrations.check import (
    Finding,
    RevisionObservation,
    RevisionResult,
    Source,
    Statement,
    Verdict,
    check,
    contract_findings,
)
from seachange_migrations.errors import InvalidDirectoryError, InvalidRequestError
from seachange_migrations.phases import Phase
from tests.migrations.databases import AlembicDirectory

READS = "rows = op.get_bind().exec_driver_sql('SELECT 1').fetchall()"


def finding(verdict: Verdict, allowed: str | None = None) -> Finding:
    return Finding(rule="r", verdict=verdict, statement="", problem="", remedy="", allowed=allowed)


def test_the_worst_decides() -> None:
    order = [Verdict.SAFE, Verdict.UNKNOWN, Verdict.LOCK_HAZARD, Verdict.DATA, Verdict.CONTRACT]
    for number, verdict in enumerate(order):
        findings = tuple(map(finding, order[1 : number + 1]))
        assert RevisionResult(revision="1", path="", phase=Phase.EXPAND, findings=findings).verdict is verdict


def test_a_contract_revision_may_break_an_older_release_and_nothing_else() -> None:
    findings = tuple(map(finding, [Verdict.CONTRACT, Verdict.UNKNOWN, Verdict.LOCK_HAZARD]))
    contract = RevisionResult(revision="1", path="", phase=Phase.CONTRACT, findings=findings)
    assert [found.verdict for found in contract.refused] == [Verdict.LOCK_HAZARD]
    expand = RevisionResult(revision="1", path="", phase=Phase.EXPAND, findings=findings)
    assert [found.verdict for found in expand.refused] == [Verdict.CONTRACT, Verdict.LOCK_HAZARD]


def test_the_json(directory: AlembicDirectory) -> None:
    directory.example()
    found = json.loads(json.dumps(check(directory.path).to_json()))
    assert found["schema"] == "seachange.check/1"
    assert [(one["revision"], one["phase"], one["verdict"]) for one in found["revisions"]] == [
        ("0001", "expand", "safe"),
        ("0002", "expand", "safe"),
        ("0003", "contract", "contract"),
    ]
    assert found["revisions"][2]["path"] == str(directory.path / "versions/0003.py")
    [drop] = found["revisions"][2]["findings"]
    assert drop == {
        "rule": "drop-column",
        "verdict": "contract",
        "statement": "ALTER TABLE customers DROP COLUMN address",
        "line": 9,
        "problem": "it drops column address of customers, which the serving release may use.",
        "remedy": "Move it to a contract revision; where the column is the old side of a sync, write op.drop_synced there.",
        "source": "sql",
        "allowed": None,
    }


def test_contract_findings_are_those_of_expand(directory: AlembicDirectory) -> None:
    directory.example()
    assert contract_findings(directory.path) == []
    directory.revision("0004", "0002", "DROP TABLE customers")
    [found] = contract_findings(directory.path)
    assert str(found).startswith("revision 0004, line 7: it drops table customers")
    assert contract_findings(directory.path, revisions=["0002"]) == []


def test_what_an_earlier_revision_made_is_known_though_not_asked_for(directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE t (c varchar(10))")
    directory.revision("0002", "0001", "ALTER TABLE t ALTER COLUMN c TYPE varchar(20)")
    [result] = check(directory.path, revisions=["0002"]).revisions
    assert [(found.rule, found.verdict) for found in result.findings] == [("change-type", Verdict.UNKNOWN)]


def test_what_was_not_seen_is_not_taken_for_known(directory: AlembicDirectory) -> None:
    directory.revision("0001", None, "CREATE TABLE t (c varchar(10))")
    directory.revision("0002", "0001", body=f"{READS}\nop.execute('ALTER TABLE t ALTER COLUMN c TYPE text')")
    directory.revision("0003", "0002", "ALTER TABLE t ALTER COLUMN c TYPE varchar(20)")
    results = check(directory.path).revisions
    assert [result.verdict for result in results] == [Verdict.SAFE, Verdict.UNKNOWN, Verdict.CONTRACT]


def test_what_a_scratch_database_showed_stands_in(directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=f"{READS}\nop.execute('DROP TABLE t')")
    [blind] = check(directory.path).revisions
    assert [found.rule for found in blind.findings] == ["not-rendered"]
    slow = Finding(
        rule="observed-rewrite",
        verdict=Verdict.LOCK_HAZARD,
        statement="",
        problem="",
        remedy="",
        source=Source.OBSERVED,
    )
    ran = RevisionObservation(revision="0001", findings=(slow,), statements=(Statement(sql="DROP TABLE t", line=8),))
    [seen] = check(directory.path, observations=[ran]).revisions
    assert [(found.rule, found.source, found.revision) for found in seen.findings] == [
        ("drop-table", Source.SQL, "0001"),
        ("observed-rewrite", Source.OBSERVED, "0001"),
    ]


@pytest.mark.parametrize("phase", ["expand", "contract"])
@pytest.mark.parametrize(
    ("body", "problem", "remedy"),
    [
        (
            "from seachange_migrations.errors import NotDecidedError\nraise NotDecidedError('Was total renamed to sum?')",
            "it holds a question that nobody has answered: Was total renamed to sum?",
            "delete the line that raises",
        ),
        ("undefined_name", "it fails: NameError: name 'undefined_name' is not defined.", "Correct the Python"),
        ("raise SystemExit(0)", "it fails: SystemExit(0) would end the process", "Correct"),
        ("import no_such_package", "it fails: ModuleNotFoundError: No module named 'no_such_package'.", "Correct"),
    ],
)
def test_what_can_only_fail_must_not_run(
    directory: AlembicDirectory, body: str, problem: str, remedy: str, phase: str
) -> None:
    directory.revision("0001", None, body=body, phase=phase)
    [result] = check(directory.path).revisions
    [found] = result.refused
    assert (found.rule, found.verdict) == ("cannot-run", Verdict.DATA)
    assert found.problem.startswith(problem)
    assert remedy in found.remedy
    assert "--url" not in found.remedy
    assert found.line is not None


@pytest.mark.parametrize("body", [READS, "op.get_bind().nothing", "if op.get_bind() is None:\n    x = 1\nx"])
def test_what_may_fail_only_without_a_database_is_unknown(directory: AlembicDirectory, body: str) -> None:
    directory.revision("0001", None, body=body)
    [result] = check(directory.path).revisions
    assert [(found.rule, found.verdict) for found in result.findings] == [("not-rendered", Verdict.UNKNOWN)]
    assert "seachange check --url" in result.findings[0].remedy
    tried = [RevisionObservation(revision="0001")]
    [result] = check(directory.path, observations=tried).revisions
    assert "--url" not in result.findings[0].remedy


def test_loops_over_rows(directory: AlembicDirectory) -> None:
    body = """
    import sqlalchemy as sa
    bind = op.get_bind()
    rows = bind.execute(sa.text("SELECT id FROM t")).fetchall()
    for row in rows:
        bind.execute(sa.text("UPDATE t SET c = 1 WHERE id = :id"), {"id": row.id})
    """
    directory.revision("0001", None, body=body)
    [result] = check(directory.path).revisions
    assert [(found.rule, found.line) for found in result.findings] == [("row-loop", 11), ("not-rendered", 10)]
    assert result.findings[0].statement == "for row in rows:"


def test_loops_that_write_no_rows(directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body="for name in ('a', 'b'):\n    op.execute(f'CREATE TABLE {name} ()')")
    assert check(directory.path).revisions[0].verdict is Verdict.SAFE


@pytest.mark.parametrize(("recreate", "rules"), [("always", ["batch-recreate", "not-rendered"]), ("auto", [])])
def test_batches_that_copy_the_table(directory: AlembicDirectory, recreate: str, rules: list[str]) -> None:
    body = f"""
    import sqlalchemy as sa
    with op.batch_alter_table("t", recreate={recreate!r}) as batch:
        batch.add_column(sa.Column("c", sa.Text()))
    """
    directory.revision("0001", None, body=body)
    assert [found.rule for found in check(directory.path).revisions[0].findings] == rules


def test_a_downgrade_is_not_asked(directory: AlembicDirectory) -> None:
    directory.revision("0001", None)
    path = directory.path / "versions/0001.py"
    path.write_text(
        path.read_text("utf-8") + "def downgrade():\n    op.batch_alter_table('t', recreate='always')\n", "utf-8"
    )
    assert check(directory.path).revisions[0].verdict is Verdict.SAFE


def test_bad_input(directory: AlembicDirectory) -> None:
    directory.example()
    with pytest.raises(InvalidRequestError, match="0009: no revision of"):
        check(directory.path, revisions=["0009"])
    with pytest.raises(InvalidDirectoryError, match=r"no env\.py"):
        check(directory.path.parent)
    (directory.path / "versions" / "0004.py").write_text("import no_such_application\n", "utf-8")
    with pytest.raises(InvalidDirectoryError, match="No module named 'no_such_application'"):
        check(directory.path)


def test_the_lambda_does_not_pay_for_the_parser() -> None:
    code = "import sys, seachange_migrations.handler; print([name for name in sys.modules if 'postgast' in name or '.check.' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
