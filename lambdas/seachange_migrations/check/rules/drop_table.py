"""A table that a serving release may use is dropped.

Every statement of that release which names the table fails from the commit on, and its rows are gone.

Source: [DROP TABLE](https://www.postgresql.org/docs/current/sql-droptable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dropped
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
TABLES = {"OBJECT_TABLE", "OBJECT_FOREIGN_TABLE"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "DropStmt" and name_of("ObjectType", statement.node.remove_type) in TABLES:
        for table in map(dropped, statement.node.objects):
            if not so_far.is_new(table):
                yield Hit(
                    f"drops table {table}, which the serving release may use.",
                    "Move it to a contract revision: that runs when no release is left that uses the table.",
                )
