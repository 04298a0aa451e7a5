"""A view, function, type, schema, sequence, extension or the like is dropped.

Statements of a serving release may name it, and with CASCADE goes whatever depends on it, columns included.

Source: [Dependency tracking](https://www.postgresql.org/docs/current/ddl-depend.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dropped, object_kind
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
# Of these, other rules know more, or no statement can name them.
OTHERS = {
    "OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_STATISTIC_EXT",
    "OBJECT_EVENT_TRIGGER", "OBJECT_RULE",
}  # fmt: skip


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "DropStmt" and name_of("ObjectType", statement.node.remove_type) not in OTHERS:
        kind = object_kind(statement.node.remove_type)
        for name in map(dropped, statement.node.objects):
            if not so_far.is_new(name):
                yield Hit(
                    f"drops {kind} {name}, which the serving release may use.",
                    "Move it to a contract revision: that runs when no release is left that uses it.",
                )
