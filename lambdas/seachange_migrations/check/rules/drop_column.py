"""A column that a serving release may use is dropped.

Every statement of that release which names the column fails from the commit on; an ORM names all columns that its model has.
A prepared `SELECT *` fails too. The values are gone.

Source: [ALTER TABLE, DROP COLUMN](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_DropColumn"):
        if not so_far.are_new(found.table, (found.name,)):
            yield Hit(
                f"drops column {found.name} of {found.table}, which the serving release may use.",
                "Move it to a contract revision; where the column is the old side of a sync, write op.drop_synced there.",
            )
