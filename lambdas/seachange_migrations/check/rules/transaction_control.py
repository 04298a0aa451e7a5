"""A revision begins, commits or rolls back by itself.

What stands before it is committed while the revision is not recorded as applied: if it fails afterwards, it can neither be rolled
back nor simply be run again. Inside of an `autocommit_block` the engine keeps a journal of the statements and resumes; of a
COMMIT in a text it learns nothing.

Source: [Alembic, autocommit_block](https://alembic.sqlalchemy.org/en/latest/api/runtime.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA
SAVEPOINTS = {"TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    if statement.kind != "TransactionStmt" or statement.autocommit:
        return
    if name_of("TransactionStmtKind", statement.node.kind) not in SAVEPOINTS:
        yield Hit(
            f"executes {statement.sql.split()[0].upper()} inside of Alembic's transaction.",
            "Split the revision in two, or use `with op.get_context().autocommit_block():`.",
        )
