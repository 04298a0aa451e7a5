"""Row security is switched on, or its policies become stricter.

A table with row security and no policy for a role shows that role no row, and refuses its writes; without an error on
reads, so that the serving release answers as if the data were gone. Switched off, it shows all of them (*data*).

Source: [Row security policies](https://www.postgresql.org/docs/current/ddl-rowsecurity.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, dotted, relation
from seachange_migrations.check.parser import Parsed, name_of, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
REMEDY = "Move it to a contract revision, or show with the workload proof that the serving release sees and writes the same rows."

SWITCHES: dict[str, tuple[str, Verdict | None]] = {
    "AT_EnableRowSecurity": ("switches on row security for", None),
    "AT_ForceRowSecurity": ("forces row security for", None),
    "AT_DisableRowSecurity": ("switches off row security for", Verdict.DATA),
    "AT_NoForceRowSecurity": ("no longer forces row security for", Verdict.DATA),
}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    hits: list[tuple[Name, str, Verdict | None]] = []
    hits += [(found.table, *SWITCHES[found.kind]) for found in alterations(statement, *SWITCHES)]
    if statement.kind == "AlterPolicyStmt" or (statement.kind == "CreatePolicyStmt" and not node.permissive):
        hits.append((relation(node.table), "narrows or changes a policy of", None))
    if statement.kind == "DropStmt" and name_of("ObjectType", node.remove_type) == "OBJECT_POLICY":
        hits += [(dotted(list(unwrap(found).items)[:-1]), "drops a policy of", None) for found in node.objects]
    for table, does, verdict in hits:
        if not so_far.is_new(table):
            yield Hit(f"{does} {table}: the serving release sees other rows than before.", REMEDY, verdict)
