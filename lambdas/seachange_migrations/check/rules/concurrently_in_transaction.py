"""A statement that cannot run in a transaction stands in one.

PostgreSQL refuses it: the revision fails, and with it the deployment.

Source: [CREATE INDEX](https://www.postgresql.org/docs/current/sql-createindex.html),
[VACUUM](https://www.postgresql.org/docs/current/sql-vacuum.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Node, Parsed, options
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD
ALONE = {"VacuumStmt", "CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    concurrent = statement.kind in {"IndexStmt", "DropStmt"} and node.concurrent
    concurrent |= statement.kind == "ReindexStmt" and "concurrently" in options(node)
    concurrent |= any(unwrap_concurrent(found.definition) for found in alterations(statement, "AT_DetachPartition"))
    alone = statement.kind in ALONE and (statement.kind != "VacuumStmt" or node.is_vacuumcmd)
    if (concurrent or alone) and so_far.in_transaction(statement):
        yield Hit(
            f"runs {'CONCURRENTLY' if concurrent else statement.sql.split()[0].upper()} inside a transaction, which PostgreSQL refuses.",
            "Put it inside `with op.get_context().autocommit_block():`.",
        )


def unwrap_concurrent(definition: Node) -> bool:
    """Whether DETACH PARTITION says CONCURRENTLY."""
    return bool(getattr(definition, "concurrent", False))
