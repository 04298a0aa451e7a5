"""A partition is detached, or a table leaves its parent.

Its rows are no longer read through the parent, and INSERTs that belong there fail or go to the default partition. Without
CONCURRENTLY the parent is locked against everything meanwhile.

Source: [Table partitioning](https://www.postgresql.org/docs/current/ddl-partitioning.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_DetachPartition", "AT_DropInherit"):
        if not so_far.is_new(found.table):
            yield Hit(
                f"takes rows out of {found.table}, which the serving release reads there.",
                "Move it to a contract revision, and use DETACH PARTITION … CONCURRENTLY outside of a transaction.",
            )
