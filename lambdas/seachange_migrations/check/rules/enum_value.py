"""A value is added to an enum that the serving release reads.

As soon as the new release writes the value, the serving one reads it; an ORM that maps the enum raises on a value that it does
not know. PostgreSQL also refuses the value until the transaction that adds it has committed.

Source: [ALTER TYPE, Notes](https://www.postgresql.org/docs/current/sql-altertype.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dotted
from seachange_migrations.check.parser import Parsed, kinds
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.phases import Phase

VERDICT = Verdict.DATA


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    if statement.kind == "AlterEnumStmt":
        if so_far.phase is Phase.EXPAND and not node.old_val and not so_far.is_new(dotted(node.type_name)):
            yield Hit(
                f"adds the value {node.new_val!r} to enum {dotted(node.type_name)}, which the serving release cannot read.",
                "First serve a release that reads it; say so in an allow, or do not write it before the way back is given up.",
            )
    elif so_far.transaction.enum_values:
        constants = {found.sval.sval for found in kinds(node, "A_Const") if found.HasField("sval")}
        for value in sorted(constants & so_far.transaction.enum_values):
            yield Hit(
                f"uses the enum value {value!r} in the transaction that adds it, which PostgreSQL refuses.",
                "Add the value in a revision of its own, before this one.",
            )
