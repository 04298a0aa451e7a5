"""Rights are taken away, or an owner changes.

Statements of the serving release's role fail with "permission denied" from the commit on.

Source: [Privileges](https://www.postgresql.org/docs/current/ddl-priv.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
DOES = {
    "ReassignOwnedStmt": "gives what a role owns to another",
    "DropOwnedStmt": "drops what a role owns, and its rights",
    "DropRoleStmt": "drops a role",
    "AlterOwnerStmt": "changes the owner of an object",
}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    does = DOES.get(statement.kind)
    if statement.kind in {"GrantStmt", "GrantRoleStmt"} and not statement.node.is_grant:
        names = [_name(found) for found in getattr(statement.node, "objects", ())]
        does = None if names and all(name in so_far.created for name in names) else "revokes rights"
    if any(not so_far.is_new(found.table) for found in alterations(statement, "AT_ChangeOwner")):
        does = "changes the owner of a table"
    if does:
        yield Hit(
            f"{does}: statements of the serving release may be denied.",
            "Move it to a contract revision, or grant what the serving release's role needs first and say so in an allow.",
        )


def _name(node: object) -> Name | None:
    found = unwrap(node)
    return relation(found) if type(found).__name__ == "RangeVar" else None
