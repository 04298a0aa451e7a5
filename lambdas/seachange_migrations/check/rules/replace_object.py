"""A function or view that may be there already is given another body, or other properties.

The serving release calls or reads it. Whether the new one does the same does not show in the statement.

Source: [CREATE FUNCTION](https://www.postgresql.org/docs/current/sql-createfunction.html),
[CREATE VIEW](https://www.postgresql.org/docs/current/sql-createview.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, dotted, relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    name = _replaced(statement)
    if name and not so_far.is_new(name):
        yield Hit(
            f"may replace {name}, which the serving release may use.",
            "Make a new one under a new name, and drop the old one in a contract revision; or let the workload proof compare.",
        )


def _replaced(statement: Parsed) -> Name | None:
    node = statement.node
    match statement.kind:
        case "CreateFunctionStmt" if node.replace:
            return dotted(node.funcname)
        case "ViewStmt" if node.replace:
            return relation(node.view)
        case "AlterFunctionStmt":
            return dotted(unwrap(node.func).objname)
    return None
