"""The old columns of a sync are dropped.

They are what the serving release reads and writes: op.drop_synced belongs in a contract revision.

Source: [ALTER TABLE, DROP COLUMN](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    if statement.kind == "operation" and statement.operation == "drop_synced":
        yield Hit(
            "drops the old columns of a sync, which the serving release uses.",
            "Move it to a contract revision: that runs when no release is left that uses them.",
        )
