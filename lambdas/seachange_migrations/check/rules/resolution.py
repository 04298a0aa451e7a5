"""Something new may be chosen where the serving release's statements mean something old.

PostgreSQL looks names up by search_path and by types. A table of the same name in another schema hides the first from a role whose path
has that schema before (`"$user"` is the first of all); an overloaded function, a new operator and an implicit cast are chosen
where they fit better, or make a call ambiguous: with a cast from integer to text `'a' || 1` fails with "operator is not unique".

Source: [The schema search path](https://www.postgresql.org/docs/current/ddl-schemas.html),
[type conversion](https://www.postgresql.org/docs/current/typeconv.html); each was measured on PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, dotted, relation
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.rules.function_call import KNOWN
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    what = _chosen(statement, so_far)
    if what:
        yield Hit(
            f"makes {what} where statements of the serving release may mean another.",
            "Choose another name, or an explicit cast; or let the workload proof run the serving release's statements.",
        )


def _chosen(statement: Parsed, so_far: SoFar) -> str | None:
    node = statement.node
    match statement.kind:
        case "CreateStmt" if _hides(relation(node.relation), so_far):
            return f"table {relation(node.relation)}"
        case "ViewStmt" if _hides(relation(node.view), so_far):
            return f"view {relation(node.view)}"
        case "CreateFunctionStmt" if not node.replace:
            name = dotted(node.funcname)
            known = {found.name for found in so_far.tables.functions} | KNOWN
            return f"function {name}" if name.name in known and not so_far.is_new(name) else None
        case "DefineStmt" if name_of("ObjectType", node.kind) == "OBJECT_OPERATOR":
            return f"operator {dotted(node.defnames).name}"
        case "CreateCastStmt" if name_of("CoercionContext", node.context) == "COERCION_IMPLICIT":
            return "an implicit cast"
    return None


def _hides(name: Name, so_far: SoFar) -> bool:
    return any(
        known.name == name.name and known.schema != name.schema and not so_far.is_new(known)
        for known in so_far.tables.tables
    )
