"""A column is renamed.

Statements of the serving release name the old one and fail from the commit on. Both names have to exist until the last release
that knows only the old one has gone.

Source: [ALTER TABLE, RENAME COLUMN](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    if statement.kind == "RenameStmt" and name_of("ObjectType", node.rename_type) in {
        "OBJECT_COLUMN",
        "OBJECT_ATTRIBUTE",
    }:
        table = relation(node.relation)
        if not so_far.are_new(table, (node.subname,)):
            yield Hit(
                f"renames column {node.subname} of {table} to {node.newname}; the serving release knows only {node.subname}.",
                "Write op.rename_column, which adds the new column and keeps both in step, and op.drop_synced in a contract "
                "revision.",
            )
