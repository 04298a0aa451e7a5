"""Which statements a workload can be made of."""

from seachange_migrations.check.parser import NotParsedError, Parsed, kinds, parse
from seachange_migrations.check.statement import Statement

READ_OR_WRITE = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
# What no schema can break.
INDIFFERENT = frozenset(
    {
        *("TransactionStmt", "VariableSetStmt", "VariableShowStmt", "DiscardStmt", "DeallocateStmt", "ClosePortalStmt"),
        *(
            "NotifyStmt",
            "ListenStmt",
            "UnlistenStmt",
            "CheckPointStmt",
            "ExplainStmt",
            "ConstraintsSetStmt",
            "LoadStmt",
        ),
    }
)


def usable(sql: str) -> bool | str:
    """Whether `sql` can be executed before and after; False when no schema matters to it; in words why it cannot be."""
    try:
        parsed = parse(Statement(sql=sql))
    except NotParsedError:
        return "without its constants PostgreSQL's parser does not take it"
    if len(parsed) != 1:
        return "it is more than one statement" if parsed else False
    if parsed[0].kind in INDIFFERENT:
        return False
    if parsed[0].kind not in READ_OR_WRITE:
        return "it neither reads nor writes rows by itself"
    return bool(tables(parsed[0]))


def tables(parsed: Parsed) -> set[tuple[str, str]]:
    """The tables and views that a statement names, by schema (empty where it names none) and name; not the catalog's or
    the engine's."""
    within = {cte.ctename for cte in kinds(parsed.node, "CommonTableExpr")}
    named = {(found.schemaname, found.relname) for found in kinds(parsed.node, "RangeVar")}
    return {
        (schema, name)
        for schema, name in named
        if schema not in ("pg_catalog", "information_schema", "seachange")
        and not name.startswith("pg_")
        and not (not schema and name in within)
    }
