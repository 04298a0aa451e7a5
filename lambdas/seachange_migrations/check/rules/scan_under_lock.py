"""A table is read in full while it is locked.

Adding a constraint reads every row, or builds an index, under a lock that stops reads and writes (a foreign key: writes, on both
tables). So does VALIDATE in the transaction that added the constraint, since that still holds its lock. Added `NOT VALID` and
validated in a transaction of its own, the long part lets reads and writes pass; a unique constraint takes an index that was
built concurrently.

Source: [ALTER TABLE, Notes](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import UNIQUE, Constraint, added_columns, added_constraints, alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.rules.new_constraint import WORDS, already_checked
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD
REMEDIES = {
    "CONSTR_FOREIGN": "Write op.add_foreign_key.",
    "CONSTR_UNIQUE": "Write op.add_unique.",
    "CONSTR_PRIMARY": "Build a unique index concurrently, then ADD PRIMARY KEY USING INDEX.",
    "CONSTR_NOTNULL": "Write op.set_not_null.",
    "CONSTR_EXCLUSION": "PostgreSQL has no way without the lock: copy into a new table, or run it in a quiet hour and allow it.",
    "CONSTR_CHECK": "Add it NOT VALID, and VALIDATE CONSTRAINT in a revision of its own.",
}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    null_columns = {(table, found.name) for table, found in added_columns(statement) if found.default is None}
    for constraint in added_constraints(statement):
        if so_far.is_new(constraint.table) or not constraint.validated:
            continue
        if constraint.index:
            nullable = so_far.tables.may_be_null(constraint.table, constraint.index)
            if nullable and constraint.kind == "CONSTR_PRIMARY":
                yield Hit(
                    f"makes {constraint.index} the primary key of {constraint.table} and reads every row under the lock, unless "
                    f"{', '.join(nullable)} {'are' if len(nullable) > 1 else 'is'} NOT NULL already.",
                    "Write op.set_not_null for each column in an earlier revision.",
                )
            continue
        if not _reads_nothing(constraint, null_columns):
            how = "builds its index" if constraint.kind in UNIQUE else "reads every row"
            yield Hit(
                f"adds a {WORDS[constraint.kind]} to {constraint.table} and {how} under the lock.",
                REMEDIES[constraint.kind],
            )
    for found in alterations(statement, "AT_SetNotNull"):
        if not so_far.is_new(found.table) and not already_checked(so_far, found.table, found.name):
            yield Hit(
                f"reads every row of {found.table} under ACCESS EXCLUSIVE to set {found.name} NOT NULL.",
                REMEDIES["CONSTR_NOTNULL"],
            )
    for found in alterations(statement, "AT_ValidateConstraint"):
        if (found.table, found.name) in so_far.transaction.unvalidated and not so_far.is_new(found.table):
            yield Hit(
                f"validates {found.name} of {found.table} in the transaction that added it, whose lock is still held.",
                "Validate in a revision of its own, or outside of the transaction (autocommit_block).",
            )


def _reads_nothing(constraint: Constraint, null_columns: set[tuple[Name, str]]) -> bool:
    """A new column of NULLs satisfies its foreign key, and its NOT NULL is told by its default."""
    on_new = bool(constraint.columns) and all((constraint.table, name) in null_columns for name in constraint.columns)
    return (constraint.kind == "CONSTR_NOTNULL" and constraint.inline) or (
        constraint.kind == "CONSTR_FOREIGN" and on_new
    )
