"""REINDEX, CLUSTER or VACUUM FULL locks a table for as long as it takes to write it anew.

REINDEX without CONCURRENTLY stops writes, and reads that want the index; CLUSTER and VACUUM FULL stop everything.

Source: [REINDEX](https://www.postgresql.org/docs/current/sql-reindex.html),
[CLUSTER](https://www.postgresql.org/docs/current/sql-cluster.html),
[VACUUM](https://www.postgresql.org/docs/current/sql-vacuum.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed, options
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    node = statement.node
    if statement.kind == "ReindexStmt" and "concurrently" not in options(node):
        yield Hit("rebuilds indexes while writes wait.", "Write REINDEX … CONCURRENTLY inside an autocommit_block.")
    if statement.kind == "ClusterStmt" or (statement.kind == "VacuumStmt" and "full" in options(node)):
        yield Hit(
            "writes a table anew under ACCESS EXCLUSIVE.",
            "Leave it out of migrations; a tool such as pg_repack does it beside the traffic.",
        )
