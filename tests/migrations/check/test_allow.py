"""`# seachange: allow RULE because REASON`: whom it covers, and what is wrong with one."""

import textwrap
from pathlib import Path

import pytest

from seachange_migrations.check import Result, Verdict, check, contract_findings
from seachange_migrations.errors import InvalidDirectoryError
from tests.migrations.databases import AlembicDirectory

REASON = "release 7 no longer names it"


def checked(tmp_path: Path, source: str) -> Result:
    directory = AlembicDirectory(tmp_path / "migrations")
    text = textwrap.dedent(source).strip().replace("ALLOW", f"# seachange: allow drop-table because {REASON}")
    (directory.path / "versions" / "0001.py").write_text(text + "\n", "utf-8")
    return check(directory.path)


def allowed(result: Result) -> list[str | None]:
    return [finding.allowed for finding in result.revisions[0].findings if finding.rule == "drop-table"]


HEAD = 'from alembic import op\nrevision = "0001"\ndown_revision = None\ndef upgrade():\n'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('op.execute("DROP TABLE a")  ALLOW\n    op.execute("DROP TABLE b")', [REASON, None]),
        ('ALLOW\n    op.execute("DROP TABLE a")\n    op.execute("DROP TABLE b")', [REASON, None]),
        ('ALLOW\n\n    # and why\n    op.execute("DROP TABLE a")', [REASON]),
        ('op.execute(\n        "DROP TABLE a"  ALLOW\n    )', [REASON]),
        ('ALLOW\n    op.execute(\n        "DROP TABLE a; DROP TABLE b"\n    )', [REASON, REASON]),
        (
            'for t in "ab":\n        ALLOW\n        op.execute(f"DROP TABLE {t}")\n    op.execute("DROP TABLE c")',
            [REASON, REASON, None],
        ),
        ('op.execute("DROP TABLE a")\n    ALLOW\n    op.execute("SELECT 1")', [None]),
        ('op.execute("DROP TABLE a -- ALLOW")', [None]),
    ],
)
def test_a_statement(tmp_path: Path, body: str, expected: list[str | None]) -> None:
    assert allowed(checked(tmp_path, f"{HEAD}    {body}")) == expected


def test_a_whole_revision(tmp_path: Path) -> None:
    body = '    op.execute("DROP TABLE a")\n    op.execute("DROP TABLE b")'
    result = checked(tmp_path, f'"""Drop."""\nfrom alembic import op\nALLOW\n{HEAD.partition(chr(10))[2]}{body}')
    assert allowed(result) == [REASON, REASON]
    assert result.revisions[0].verdict is Verdict.LOCK_HAZARD  # two tables in one transaction: that was not allowed


def test_what_batches_collect(tmp_path: Path) -> None:
    batch = 'with op.batch_alter_table("t") as batch:\n        # seachange: allow drop-column because unused\n        batch.drop_column("c")'
    [finding] = checked(tmp_path, f"{HEAD}    {batch}").revisions[0].findings
    assert finding.allowed == "unused"


def test_what_is_allowed_is_neither_verdict_nor_refused(tmp_path: Path) -> None:
    result = checked(tmp_path, f'{HEAD}    ALLOW\n    op.execute("DROP TABLE a")')
    assert result.revisions[0].verdict is Verdict.SAFE
    assert not result.revisions[0].refused
    assert contract_findings(tmp_path / "migrations") == []


def test_what_allows_nothing_is_told(tmp_path: Path) -> None:
    [note] = checked(tmp_path, f'{HEAD}    ALLOW\n    op.execute("SELECT 1")').notes
    assert "0001.py, line 5: allows drop-table, which nothing here breaks" in note


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# seachange: allow drop-table", "the reason is required"),
        ("# seachange: allow drop-table because", "the reason is required"),
        ("# seachange: allow drop-table for I say so", "write `# seachange: allow RULE because REASON`"),
        ("#seachange: alow drop-table because it is gone", "write `# seachange: allow RULE because REASON`"),
        ("# seachange: allow drop-colum because I can", "no rule is named 'drop-colum'; write 'drop-column'"),
        ("# seachange: allow xyz because I can", "no rule is named 'xyz'; `seachange check` names the rule of each"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, comment: str, message: str) -> None:
    with pytest.raises(InvalidDirectoryError, match=r"0001\.py, line 5: ") as refused:
        checked(tmp_path, f'{HEAD}    {comment}\n    op.execute("DROP TABLE a")')
    assert message in str(refused.value)


@pytest.mark.parametrize("rule", ["observed-rewrite", "workload-breaks"])
def test_the_rules_of_scratch_and_workload_may_be_named(tmp_path: Path, rule: str) -> None:
    assert checked(tmp_path, f"{HEAD}    # seachange: allow {rule} because the table is empty\n    pass").notes
