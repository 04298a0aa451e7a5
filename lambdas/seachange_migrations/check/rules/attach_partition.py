"""A table is attached to a partitioned or inherited one.

Unless a valid CHECK already says what the partition's bounds say, every row of it is read under ACCESS EXCLUSIVE; and of the
default partition likewise, with an empty table too. Its rows are read through the parent from the commit on. CREATE TABLE …
PARTITION OF locks the parent against all use, where ATTACH lets reads and writes pass.

Source: [ALTER TABLE, ATTACH PARTITION](https://www.postgresql.org/docs/current/sql-altertable.html),
[CREATE TABLE, PARTITION OF](https://www.postgresql.org/docs/current/sql-createtable.html); the locks were measured on PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_AttachPartition"):
        if so_far.is_new(found.table):
            continue
        if _default(so_far, found.table):
            yield _reads_default(found.table)
        if not so_far.is_new(relation(found.definition.name)):
            yield Hit(
                f"may read every row of {relation(found.definition.name)} under ACCESS EXCLUSIVE to attach it to {found.table}.",
                "Add a CHECK with the partition's bounds NOT VALID and validate it in an earlier revision; then say so in an allow.",
            )
    if statement.kind == "CreateStmt" and statement.node.HasField("partbound"):
        parent = relation(unwrap(statement.node.inh_relations[0]))
        if not so_far.is_new(parent):
            yield Hit(
                f"locks {parent} against reads and writes to make a partition of it.",
                "Make a plain table with the same columns, then ATTACH PARTITION: reads and writes of the parent go on.",
            )
            if _default(so_far, parent):
                yield _reads_default(parent)
    for child, parent in _inherits(statement):
        if not so_far.is_new(parent):
            yield Hit(
                f"has the serving release read the rows of {child} through {parent}.",
                "Let the workload proof show that the release's answers stay the same, and say so in an allow.",
                Verdict.DATA,
            )


def _inherits(statement: Parsed) -> Iterator[tuple[Name, Name]]:
    """The tables that inherit, with the parent of each."""
    for found in alterations(statement, "AT_AddInherit"):
        yield found.table, relation(found.definition)
    if statement.kind == "CreateStmt" and not statement.node.HasField("partbound"):
        for parent in map(unwrap, statement.node.inh_relations):
            yield relation(statement.node.relation), relation(parent)


def _default(so_far: SoFar, table: Name) -> bool:
    known = so_far.tables.tables.get(table)
    return known is not None and known.default


def _reads_default(table: Name) -> Hit:
    return Hit(
        f"reads every row of the default partition of {table} under ACCESS EXCLUSIVE, and fails where one belongs to the new one.",
        "Validate a CHECK on the default partition that excludes the new bounds in an earlier revision; then say so in an allow.",
    )
