"""A table is attached to a partitioned or inherited one.

Unless a valid CHECK already says what the partition's bounds say, every row of it is read under ACCESS EXCLUSIVE; and of the
default partition likewise. Its rows are read through the parent from the commit on.

Source: [ALTER TABLE, ATTACH PARTITION](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_AttachPartition"):
        if not so_far.is_new(found.table) and not so_far.is_new(relation(found.definition.name)):
            yield Hit(
                f"may read every row of {relation(found.definition.name)} under ACCESS EXCLUSIVE to attach it to {found.table}.",
                "Add a CHECK with the partition's bounds NOT VALID and validate it in an earlier revision; then say so in an allow.",
            )
    for found in alterations(statement, "AT_AddInherit"):
        if not so_far.is_new(found.table):
            yield Hit(
                f"has the serving release read the rows of {found.table} through its new parent.",
                "Let the workload proof show that the release's answers stay the same, and say so in an allow.",
                Verdict.DATA,
            )
