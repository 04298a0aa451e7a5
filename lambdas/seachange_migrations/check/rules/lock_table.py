"""A table, or all of its rows, are locked by name.

The lock is held to the end of the transaction, whatever follows in it: of LOCK, and of SELECT … FOR UPDATE or SHARE, which makes
writers of each row that it has read wait. A SELECT that names its rows by a known unique key is bounded.

Source: [LOCK](https://www.postgresql.org/docs/current/sql-lock.html),
[SELECT, the locking clause](https://www.postgresql.org/docs/current/sql-select.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Node, Parsed, kinds, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.rules.whole_table_dml import names_its_rows
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD
SELECTS = {"SelectStmt", "InsertStmt", "CreateTableAsStmt"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "LockStmt":
        tables = [table for table in map(relation, map(unwrap, statement.node.relations)) if not so_far.is_new(table)]
        if tables:
            yield Hit(
                f"locks {', '.join(map(str, tables))} until the transaction ends.",
                "Leave it out: each statement takes the lock that it needs, and the engine bounds the wait for it.",
            )
    for select in kinds(statement.node, "SelectStmt") if statement.kind in SELECTS else ():
        locked = [table for table in _locks_rows_of(select) if not so_far.is_new(relation(table))]
        unbounded = [str(relation(table)) for table in locked if not names_its_rows(select, table, so_far)]
        if unbounded:
            yield Hit(
                f"locks rows of {', '.join(unbounded)}, perhaps every one, until the transaction ends.",
                "Leave FOR UPDATE out, or write op.backfill: it locks a few rows at a time, for milliseconds.",
            )


def _locks_rows_of(select: Node) -> list[Node]:
    """The tables whose rows the locking clause of `select` takes: those that it names, or else all in its FROM."""
    clauses = [unwrap(clause) for clause in select.locking_clause]
    named = {unwrap(table).relname for clause in clauses for table in clause.locked_rels}
    read = [found for item in select.from_clause for found in kinds(unwrap(item), "RangeVar")] if clauses else []
    return [one for one in read if not named or (one.alias.aliasname or one.relname) in named]
