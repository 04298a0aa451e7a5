"""A column is added that must have a value and has no default.

The serving release does not know the column: each of its INSERTs fails with a NOT NULL violation. On a table with rows the
statement itself fails.

Source: [ALTER TABLE, ADD COLUMN](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import added_columns
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import SERIAL
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for table, column in added_columns(statement):
        filled = column.default or column.generated or column.identity or column.type.name in SERIAL
        if column.not_null and not filled and not so_far.is_new(table):
            yield Hit(
                f"adds column {column.name} to {table}, NOT NULL without a default: INSERTs of the serving release fail.",
                "Add it nullable, or with a constant default, and write op.set_not_null in a contract revision.",
            )
