"""A foreign key is dropped that does work for the serving release.

With ON DELETE CASCADE, SET NULL or SET DEFAULT the database deletes or clears what belongs to a deleted row. The serving release
relies on it; without it the rows stay, and point to nothing.

Source: [Foreign keys](https://www.postgresql.org/docs/current/ddl-constraints.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.phases import Phase

VERDICT = Verdict.DATA
ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_DropConstraint") if so_far.phase is not Phase.CONTRACT else ():
        known = so_far.tables.constraint(found.table, found.name)
        action = ACTIONS.get(known.node.fk_del_action) if known and known.kind == "CONSTR_FOREIGN" else None
        if action and not so_far.is_new(found.table):
            yield Hit(
                f"drops {found.name} of {found.table}, whose ON DELETE {action} the serving release relies on.",
                "Move it to a contract revision, after a release that does by itself what the foreign key did.",
            )
