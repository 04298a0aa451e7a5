"""A table or view is renamed, or moved to another schema.

Statements of the serving release name the old one and fail from the commit on.

Source: [ALTER TABLE, RENAME and SET SCHEMA](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, relation
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
RELATIONS = {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    moved = moved_to(statement)
    if moved and not so_far.is_new(moved[0]):
        yield Hit(
            f"gives {moved[0]} another name, {moved[1]}; the serving release knows only {moved[0]}.",
            f"Keep the name. Or create a view {moved[1]} over {moved[0]}, which is updatable as long as it selects plain columns "
            "of the one table, let the new release use that, and rename in a contract revision.",
        )


def moved_to(statement: Parsed) -> tuple[Name, Name] | None:
    """The old and the new name of a table or view."""
    node = statement.node
    if statement.kind == "RenameStmt" and name_of("ObjectType", node.rename_type) in RELATIONS:
        old = relation(node.relation)
        return old, Name(old.schema, node.newname)
    if statement.kind == "AlterObjectSchemaStmt" and name_of("ObjectType", node.object_type) in RELATIONS:
        old = relation(node.relation)
        return old, Name(node.newschema, old.name)
    return None
