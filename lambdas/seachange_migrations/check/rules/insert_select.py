"""Rows are copied from a table that the serving release writes.

The copy is of one moment: what is written to the source until the new release serves is not in it. And it is one long transaction.

Source: [INSERT](https://www.postgresql.org/docs/current/sql-insert.html),
[transaction isolation](https://www.postgresql.org/docs/current/transaction-iso.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Node, Parsed, kinds, name_of, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node, source = statement.node, _source(statement)
    if source is None:
        return
    common = {found.ctename for found in kinds(statement.node, "CommonTableExpr")}
    target = (node.relation,) if statement.kind == "InsertStmt" else (node.into_clause.rel,) if source is node else ()
    tables = {relation(found) for found in kinds(source, "RangeVar") if found not in target}
    read = sorted(
        str(table)
        for table in tables
        if table.name not in common
        and table.schema not in {"pg_catalog", "information_schema"}
        and not so_far.is_new(table)
    )
    if read:
        yield Hit(
            f"copies rows of {', '.join(read)} as they are at one moment; what is written there afterwards is not in the copy.",
            "Keep both in step: op.sync_columns within a table, a trigger of yours between two, and op.backfill for what is there.",
        )


def _source(statement: Parsed) -> Node | None:
    """The query whose rows are copied."""
    node = statement.node
    if statement.kind == "InsertStmt" and node.HasField("select_stmt"):
        return node
    if statement.kind == "CreateTableAsStmt" and not node.into.skip_data:
        return unwrap(node.query) if name_of("ObjectType", node.objtype) == "OBJECT_TABLE" else None
    return node if statement.kind == "SelectStmt" and node.HasField("into_clause") else None
