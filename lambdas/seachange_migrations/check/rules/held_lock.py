"""Something long runs while the transaction still locks a busy table against all use.

VALIDATE CONSTRAINT, the filling of a materialized view, ANALYZE and pg_sleep let others work; but the lock that an earlier statement
took is held until the commit, and all who want that table wait for as long.

Source: [Explicit locking](https://www.postgresql.org/docs/current/explicit-locking.html); that the lock is still held was measured on
PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import strings
from seachange_migrations.check.parser import Parsed, kinds, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar, exclusively_locked

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    held = so_far.transaction.locked | {table for table in exclusively_locked(statement) if not so_far.is_new(table)}
    what = _long(statement, so_far) if held else None
    if what:
        yield Hit(
            f"{what} while {', '.join(sorted(map(str, held)))} is locked against reads and writes.",
            "Give it a revision of its own, or an `autocommit_block`: the engine commits before it.",
        )


def _long(statement: Parsed, so_far: SoFar) -> str | None:
    for found in alterations(statement, "AT_ValidateConstraint"):
        # In the transaction that added it, it is scan-under-lock's.
        if (found.table, found.name) not in so_far.transaction.unvalidated and not so_far.is_new(found.table):
            return f"validates {found.name} of {found.table}"
    node = statement.node
    match statement.kind:
        case "CreateTableAsStmt" if name_of("ObjectType", node.objtype) == "OBJECT_MATVIEW" and not node.into.skip_data:
            return "fills a materialized view"
        case "VacuumStmt" if not node.is_vacuumcmd:
            return "analyzes"
        case "SelectStmt" if any(strings(call.funcname)[-1].startswith("pg_sleep") for call in kinds(node, "FuncCall")):
            return "sleeps"
    return None
