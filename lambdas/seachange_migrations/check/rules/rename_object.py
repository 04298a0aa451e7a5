"""A type, enum value, function, sequence, schema or role is renamed or moved to another schema.

Statements of the serving release may name it, and an enum's value comes and goes with the rows. A constraint's name may stand
in `ON CONFLICT ON CONSTRAINT`, an index's name is its constraint's: whether a release names these the SQL does not tell,
so they are *unknown*.

Source: [ALTER TYPE](https://www.postgresql.org/docs/current/sql-altertype.html),
[INSERT](https://www.postgresql.org/docs/current/sql-insert.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, dotted, dropped, object_kind, relation
from seachange_migrations.check.parser import Node, Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.rules.rename_table import RELATIONS
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
COLUMNS = {"OBJECT_COLUMN", "OBJECT_ATTRIBUTE"}
SELDOM_NAMED = {"OBJECT_TABCONSTRAINT", "OBJECT_INDEX", "OBJECT_DOMCONSTRAINT"}
NEVER_NAMED = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE", "OBJECT_STATISTIC_EXT"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    if statement.kind == "AlterEnumStmt" and node.old_val and not so_far.is_new(dotted(node.type_name)):
        yield Hit(
            f"renames the value {node.old_val!r} of enum {dotted(node.type_name)}; the serving release reads and writes it.",
            "Add the new value instead, let the next release read both, then write it; PostgreSQL cannot drop the old one.",
        )
    if statement.kind not in {"RenameStmt", "AlterObjectSchemaStmt"}:
        return
    value = node.rename_type if statement.kind == "RenameStmt" else node.object_type
    kind = name_of("ObjectType", value)
    name = _old_name(node)
    if kind in RELATIONS | COLUMNS | NEVER_NAMED or so_far.is_new(name):
        return
    yield Hit(
        f"gives {object_kind(value)} {getattr(node, 'subname', '') or name} another name or schema; the serving release may use the old one.",
        "Create a second one under the new name and drop the old one in a contract revision.",
        Verdict.UNKNOWN if kind in SELDOM_NAMED else None,
    )


def _old_name(node: Node) -> Name:
    """The object's; of a constraint, its table's."""
    if node.HasField("relation"):
        return relation(node.relation)
    return dropped(node.object) if node.HasField("object") else Name("public", node.subname)
