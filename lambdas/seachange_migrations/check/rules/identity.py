"""A column becomes generated or an identity, or ceases to be.

The serving release's INSERTs fail when it supplies a value for a column that is now `GENERATED ALWAYS`, or supplies none where
identity was what filled it. A changed generation expression changes what it reads.

Source: [Identity columns](https://www.postgresql.org/docs/current/ddl-identity-columns.html),
[generated columns](https://www.postgresql.org/docs/current/ddl-generated-columns.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
CHANGES = {
    "AT_AddIdentity": "makes {} an identity column: INSERTs that supply a value may fail, and those that supply none change.",
    "AT_SetIdentity": "changes the identity of {}: INSERTs of the serving release may fail or collide.",
    "AT_DropIdentity": "drops the identity of {}: INSERTs that leave it out fail.",
    "AT_SetExpression": "changes what {} is generated from: the serving release reads other values.",
    "AT_DropExpression": "ends the generation of {}: rows of the serving release are left without it.",
}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, *CHANGES):
        if not so_far.are_new(found.table, (found.name,)):
            yield Hit(
                CHANGES[found.kind].format(f"column {found.name} of {found.table}"),
                "Move it to a contract revision, or bring a new column with op.sync_columns.",
            )
