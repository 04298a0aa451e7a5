"""The statements inside a DO block, as far as they are written out in it."""

from dataclasses import replace
from typing import Any

from seachange_migrations.check.parser import NotParsedError, Parsed, options, parse_plpgsql, parse_within, unwrap


def executed_by(statement: Parsed) -> list[Parsed]:
    """The statements that `statement` executes: a DO block's, and the one of an EXPLAIN ANALYZE."""
    if statement.kind == "DoStmt":
        return statements_in(statement)[0]
    if statement.kind == "ExplainStmt" and "analyze" in options(statement.node):
        node = unwrap(statement.node.query)
        return [replace(statement, kind=type(node).__name__, node=node)]
    return []


def statements_in(block: Parsed) -> tuple[list[Parsed], bool]:
    """The statements that a DO block may execute, and whether there may be others: made from text at run time, or in
    another language."""
    options = {unwrap(option).defname: unwrap(unwrap(option).arg) for option in block.node.args}
    body, language = options["as"].sval, options["language"].sval if "language" in options else "plpgsql"
    if language != "plpgsql":
        return [], True
    tag = "$seachange$"
    try:
        tree = parse_plpgsql(f"CREATE FUNCTION block() RETURNS void LANGUAGE plpgsql AS {tag}{body}{tag}")
    except NotParsedError:
        return [], True
    found: list[Parsed] = []
    complete = True
    for kind, node in _nodes(tree):
        query = _query(node)
        if kind in {"PLpgSQL_stmt_execsql", "PLpgSQL_stmt_perform", "PLpgSQL_stmt_call"}:
            complete &= _collect(block, query, found)
        elif kind in {"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"}:
            text = _constant(block, query)
            complete &= text is not None and _collect(block, text, found)
    return found, not complete


def _collect(block: Parsed, sql: str, found: list[Parsed]) -> bool:
    try:
        found += parse_within(block, sql)
    except NotParsedError:
        return False
    return True


def _nodes(tree: Any) -> Any:
    """All nodes of PL/pgSQL's tree, each with its kind."""
    if isinstance(tree, list):
        for item in tree:
            yield from _nodes(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key.startswith("PLpgSQL_"):
                yield key, value
            yield from _nodes(value)


def _query(node: dict[str, Any]) -> str:
    for key in ("sqlstmt", "query", "expr"):
        if isinstance(found := node.get(key), dict):
            return str(found.get("PLpgSQL_expr", {}).get("query", ""))
    return ""


def _constant(block: Parsed, expression: str) -> str | None:
    """The text that EXECUTE executes, when the expression is nothing but a literal."""
    try:
        [select] = parse_within(block, f"SELECT {expression}")
    except (NotParsedError, ValueError):
        return None
    value = unwrap(unwrap(select.node.target_list[0]).val)
    return value.sval.sval if type(value).__name__ == "A_Const" and value.HasField("sval") else None
