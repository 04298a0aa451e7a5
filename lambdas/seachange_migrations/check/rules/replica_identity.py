"""A table loses what identifies its rows to logical replication.

With NOTHING, or with DEFAULT and no primary key, every UPDATE and DELETE fails as soon as a publication holds the table: "cannot update
table … because it does not have a replica identity and publishes updates". Whether one does, the SQL does not tell.

Source: [Publication](https://www.postgresql.org/docs/current/logical-replication-publication.html); the failure was measured on
PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA
NOTHING, DEFAULT = "n", "d"


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_ReplicaIdentity"):
        known = so_far.tables.tables.get(found.table)
        has_key = known is not None and any(one.kind == "CONSTR_PRIMARY" for one in known.constraints.values())
        identity = found.definition.identity_type
        if not so_far.is_new(found.table) and (identity == NOTHING or (identity == DEFAULT and not has_key)):
            yield Hit(
                f"leaves {found.table} without a replica identity: where a publication holds it, UPDATE and DELETE fail.",
                "Take the table out of its publications first, and say so in an allow; or use FULL, or a unique index.",
            )
