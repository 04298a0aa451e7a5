"""A materialized view is refreshed without CONCURRENTLY.

Reads of the view wait until its query has run.

Source: [REFRESH MATERIALIZED VIEW](https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "RefreshMatViewStmt" and not statement.node.concurrent:
        view = relation(statement.node.relation)
        if not so_far.is_new(view):
            yield Hit(
                f"refreshes {view} while reads of it wait.",
                "Give the view a unique index and write REFRESH MATERIALIZED VIEW CONCURRENTLY.",
            )
