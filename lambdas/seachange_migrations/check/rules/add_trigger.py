"""A trigger or rule is added that fires for what the serving release writes.

Whether its function can fail, or changes what the release has written, does not show in the statement; only the sync triggers of
ours are known never to fail the writer. One that sorts after `~seachange_…` also undoes what a sync has derived.

Source: [CREATE TRIGGER](https://www.postgresql.org/docs/current/sql-createtrigger.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN
ON = (
    "AT_EnableTrig",
    "AT_EnableAlwaysTrig",
    "AT_EnableTrigAll",
    "AT_EnableTrigUser",
    "AT_EnableRule",
    "AT_EnableAlwaysRule",
)


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    tables = [found.table for found in alterations(statement, *ON)]
    if statement.kind in {"CreateTrigStmt", "RuleStmt"}:
        tables.append(relation(statement.node.relation))
    for table in tables:
        if not so_far.is_new(table):
            yield Hit(
                f"has a trigger or rule fire for writes to {table}, which may fail or change them.",
                "Use op.sync_columns where columns shall be kept in step; else let the workload proof run the serving release's writes.",
            )
