"""A unique index or constraint is dropped.

`INSERT … ON CONFLICT (columns)` needs one on exactly these columns, else it fails with "there is no unique or exclusion
constraint matching the ON CONFLICT specification". Whether an index or constraint is unique is known where an earlier
revision made it; else it is *unknown*.

Source: [INSERT, ON CONFLICT](https://www.postgresql.org/docs/current/sql-insert.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import UNIQUE, alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dropped
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
REMEDY = (
    "Move it to a contract revision, or make another unique index on the same columns first and say so in an allow."
)


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "DropStmt" and name_of("ObjectType", statement.node.remove_type) == "OBJECT_INDEX":
        for name in map(dropped, statement.node.objects):
            index = so_far.tables.indexes.get(name.name)
            if not so_far.is_new(name) and (index is None or (index.unique and not so_far.is_new(index.table))):
                yield _hit(f"index {name}", known=index is not None)
    for found in alterations(statement, "AT_DropConstraint"):
        constraint = so_far.tables.constraint(found.table, found.name)
        if not so_far.is_new(found.table) and (constraint is None or constraint.kind in UNIQUE):
            yield _hit(f"constraint {found.name} of {found.table}", known=constraint is not None)


def _hit(what: str, *, known: bool) -> Hit:
    if known:
        return Hit(f"drops the unique {what}: an ON CONFLICT of the serving release may need it.", REMEDY)
    return Hit(
        f"drops {what}; if it is unique, an ON CONFLICT of the serving release may need it.", REMEDY, Verdict.UNKNOWN
    )
