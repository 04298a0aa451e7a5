"""An UPDATE, DELETE or MERGE may touch every row of a table in one transaction.

Each touched row stays locked until the commit: writers wait, or deadlock with it, and the table grows by the rows' size. What
DELETE takes is gone. A statement that names its rows by a known unique key is bounded.

Source: [Explicit locking, row-level locks](https://www.postgresql.org/docs/current/explicit-locking.html),
[routine vacuuming](https://www.postgresql.org/docs/current/routine-vacuuming.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation, strings
from seachange_migrations.check.parser import Node, Parsed, name_of, unwrap, walk
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA
DOES = {"UpdateStmt": "updates", "DeleteStmt": "deletes from", "MergeStmt": "merges into"}
REMEDIES = {"DeleteStmt": "Delete in a contract revision, in batches by key, when nobody reads the rows any more."}
COMPARISONS = {"AEXPR_OP", "AEXPR_IN", "AEXPR_OP_ANY"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for node in changes(statement):
        kind = type(node).__name__
        table = relation(node.relation)
        if not so_far.is_new(table) and not (kind != "MergeStmt" and names_its_rows(node, node.relation, so_far)):
            yield Hit(
                f"{DOES[kind]} {table}, perhaps every row of it, in one transaction.",
                REMEDIES.get(
                    kind,
                    "Write op.backfill: it goes in short transactions, waits for no row, and proves that none is left.",
                ),
            )


def changes(statement: Parsed) -> Iterator[Node]:
    """The UPDATE, DELETE and MERGE in a statement; they may stand in a WITH."""
    if statement.kind in {"SelectStmt", "InsertStmt", *DOES}:
        yield from (node for node in walk(statement.node) if type(node).__name__ in DOES)


def names_its_rows(node: Node, target: Node, so_far: SoFar) -> bool:
    """Whether the WHERE of `node` names its rows of the table in the RangeVar `target` by a key that is known to be unique."""
    if not node.HasField("where_clause"):
        return False
    where = unwrap(node.where_clause)
    is_and = type(where).__name__ == "BoolExpr" and name_of("BoolExprType", where.boolop) == "AND_EXPR"
    parts = [unwrap(part) for part in where.args] if is_and else [where]
    alias = target.alias.aliasname if target.HasField("alias") else target.relname
    named = {column for part in parts for column in _compared_with_constants(part, alias)}
    return any(set(key) <= named for key in so_far.tables.unique_columns(relation(target)))


def _compared_with_constants(part: Node, alias: str) -> Iterator[str]:
    """The column of `column = constant` or `column IN (constants)`, where it is one of `alias`."""
    if (
        type(part).__name__ != "A_Expr"
        or name_of("A_Expr_Kind", part.kind) not in COMPARISONS
        or strings(part.name) != ("=",)
    ):
        return
    left, right = unwrap(part.lexpr), unwrap(part.rexpr)
    inside = {type(found).__name__ for found in walk(right)}
    if type(left).__name__ == "ColumnRef" and inside.isdisjoint({"ColumnRef", "SelectStmt", "FuncCall"}):
        *qualifiers, name = strings(left.fields)
        if not qualifiers or qualifiers[-1] == alias:
            yield name
