"""Our own operations come out safe where they belong, and are told where they do not."""

import pytest

from seachange_migrations.check import Verdict, check
from tests.migrations.databases import AlembicDirectory

SYNC = """op.sync_columns("t", old="c", new={"d": "text"}, forward="upper(c)", backward="lower(d)", lossy=True)"""
RENAME = """op.rename_column("t", "c", "d", type_="text")"""
CHANGE = """op.change_type("t", "c", "d", "integer", forward="c::integer", backward="d::text", lossy=True)"""
BACKFILL = """op.backfill("t", sync="t_d")"""
SET = """op.backfill("t", set={"c": "''"}, where="c IS NULL")"""
DROP = """op.drop_synced("t", sync="t_d")"""
NOT_NULL = """op.set_not_null("t", "c")"""
UNIQUE = """op.add_unique("t_c_key", "t", ["c"])"""
FOREIGN = """op.add_foreign_key("t_c_fkey", "t", "u", ["c"], ["id"])"""


@pytest.mark.parametrize(
    ("body", "phase", "verdict"),
    [
        (SYNC, "expand", Verdict.SAFE),
        (RENAME, "expand", Verdict.SAFE),
        (CHANGE, "expand", Verdict.SAFE),
        (BACKFILL, "expand", Verdict.SAFE),
        (SET, "expand", Verdict.SAFE),
        (f"{RENAME}\n{BACKFILL}", "expand", Verdict.SAFE),
        (DROP, "expand", Verdict.CONTRACT),
        (NOT_NULL, "expand", Verdict.DATA),
        (UNIQUE, "expand", Verdict.DATA),
        (FOREIGN, "expand", Verdict.DATA),
        (NOT_NULL, "contract", Verdict.SAFE),
        (UNIQUE, "contract", Verdict.SAFE),
        (FOREIGN, "contract", Verdict.SAFE),
        (DROP, "contract", Verdict.CONTRACT),
        # What stands beside an operation is judged as ever.
        (f"{RENAME}\nop.execute('DROP TABLE t')", "expand", Verdict.CONTRACT),
    ],
)
def test_operations(directory: AlembicDirectory, body: str, phase: str, verdict: Verdict) -> None:
    directory.revision(
        "0001", None, "CREATE TABLE u (id bigint PRIMARY KEY); CREATE TABLE t (id bigint PRIMARY KEY, c text)"
    )
    directory.revision("0002", "0001", body=body, phase=phase)
    [result] = check(directory.path, revisions=["0002"]).revisions
    assert result.verdict is verdict, result.findings
    assert bool(result.refused) is (phase == "expand" and verdict is not Verdict.SAFE)


def test_the_line_of_an_operation(directory: AlembicDirectory) -> None:
    directory.revision("0001", None, body=f"pass\n{DROP}")
    [result] = check(directory.path).revisions
    assert {found.line for found in result.findings} == {8}


def test_an_operation_that_is_asked_wrongly_is_not_taken_for_safe(directory: AlembicDirectory) -> None:
    directory.revision(
        "0001", None, body="""op.sync_columns("t", old="c", new={"c": "text"}, forward="c", backward="c")"""
    )
    [result] = check(directory.path).revisions
    assert result.verdict is Verdict.UNKNOWN
    assert "InvalidRequestError: op.sync_columns('t'): old and new each name one column" in result.findings[0].problem
