"""Which statements a workload can be made of."""

from seachange_migrations.check.parser import NotParsedError, Parsed, kinds, named_parameters, parse
from seachange_migrations.check.statement import Statement

READ_OR_WRITE = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
# What a service may do to tables by other means. All else changes the schema or settings, which no schema breaks.
OTHERWISE = frozenset(
    {
        *("CopyStmt", "DeclareCursorStmt", "FetchStmt", "CallStmt", "DoStmt", "PrepareStmt", "ExecuteStmt"),
        *("CreateTableAsStmt", "RefreshMatViewStmt", "TruncateStmt", "LockStmt"),
    }
)

# In the text of what a proof itself reads from the real database.
OURS = "/* seachange */"


def usable(sql: str) -> bool | str:
    """Whether `sql` can be executed before and after; False when no schema matters to it; in words why it cannot be."""
    if OURS in sql:
        return False
    try:
        parsed = parse(Statement(sql=sql))
    except NotParsedError:
        return _matters(sql) and "without its constants PostgreSQL's parser does not take it"
    if len(parsed) != 1:
        return "it is more than one statement" if parsed else False
    if parsed[0].kind in OTHERWISE:
        return "it is neither SELECT nor INSERT, UPDATE, DELETE or MERGE"
    return parsed[0].kind in READ_OR_WRITE and bool(tables(parsed[0]))


def _matters(sql: str) -> bool:
    """Whether a schema matters to what does not parse, for a parameter stands where none may: `SAVEPOINT $1`, `$1($1 AS date)`."""
    try:
        parsed = parse(Statement(sql=named_parameters(sql)))
    except NotParsedError:
        return True
    return any(found.kind in OTHERWISE or (found.kind in READ_OR_WRITE and tables(found)) for found in parsed)


def tables(parsed: Parsed) -> set[tuple[str, str]]:
    """The tables and views that a statement names, by schema (empty where it names none) and name; not the catalog's, the
    engine's or Alembic's."""
    within = {cte.ctename for cte in kinds(parsed.node, "CommonTableExpr")}
    named = {(found.schemaname, found.relname) for found in kinds(parsed.node, "RangeVar")}
    return {
        (schema, name)
        for schema, name in named
        if schema not in ("pg_catalog", "information_schema", "seachange")
        and not name.startswith("pg_")
        and name != "alembic_version"
        and not (not schema and name in within)
    }
