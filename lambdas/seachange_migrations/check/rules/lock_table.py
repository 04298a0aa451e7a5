"""A table is locked by name.

The lock is held to the end of the transaction, whatever follows in it.

Source: [LOCK](https://www.postgresql.org/docs/current/sql-lock.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "LockStmt":
        tables = [table for table in map(relation, map(unwrap, statement.node.relations)) if not so_far.is_new(table)]
        if tables:
            yield Hit(
                f"locks {', '.join(map(str, tables))} until the transaction ends.",
                "Leave it out: each statement takes the lock that it needs, and the engine bounds the wait for it.",
            )
