"""A table is emptied.

All rows are gone, those that the serving release has just written too, and the table is locked against everybody until the commit.

Source: [TRUNCATE](https://www.postgresql.org/docs/current/sql-truncate.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "TruncateStmt":
        tables = [table for table in map(relation, map(unwrap, statement.node.relations)) if not so_far.is_new(table)]
        if tables:
            yield Hit(
                f"empties {', '.join(map(str, tables))}.",
                "Make a new table and leave the old one to a contract revision.",
            )
