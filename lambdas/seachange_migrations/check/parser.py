"""The small door to PostgreSQL's own parser (`postgast`, which carries libpg_query)."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from seachange_migrations.check.statement import Statement
from seachange_migrations.errors import MigrationError

Node = Any
"""A message of the parse tree; postgast's are made at run time."""


class NotParsedError(MigrationError):
    """The text is not SQL that PostgreSQL's parser takes."""


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """One parsed statement. `kind` is PostgreSQL's name of its node, such as `AlterTableStmt`.

    `in_block`: it stands in a DO block, so that it may run never or many times.
    """

    sql: str
    kind: str
    node: Node
    line: int | None = None
    operation: str | None = None
    autocommit: bool = False
    in_block: bool = False


def parse(statement: Statement) -> list[Parsed]:
    """The statements in the text of `statement`. Raises NotParsedError for what is no SQL."""
    text = statement.sql.encode()
    return [
        Parsed(
            sql=text[raw.stmt_location : raw.stmt_location + raw.stmt_len if raw.stmt_len else None].decode().strip(),
            kind=type(node).__name__,
            node=node,
            line=statement.line,
            operation=statement.operation,
            autocommit=statement.autocommit,
        )
        for raw in _parsed(statement.sql)
        for node in [unwrap(raw.stmt)]
    ]


def named_parameters(sql: str) -> str:
    """`sql` with a name in the place of each `$1`, which may then stand where a parameter may not; of CAST, pg_stat_statements
    makes `$1($1 AS …)`."""
    text, end, parts = sql.encode(), 0, []
    try:
        tokens = _postgast().scan(sql).tokens
    except _postgast().PgQueryError as error:
        raise NotParsedError(error.message) from None
    for token in tokens:
        if name_of("Token", token.token) == "PARAM":
            written = text[token.start : token.end]
            is_cast = text[token.end :].startswith(b"(" + written)
            parts += [text[end : token.start], b"CAST" if is_cast else b"p" + written[1:]]
            end = token.end
    return b"".join([*parts, text[end:]]).decode()


def without_values(sql: str) -> str:
    """`sql` as the parser writes it: `$1` in the place of each value, and no comment. Raises NotParsedError."""
    postgast = _postgast()
    try:
        text: str = postgast.deparse(postgast.parse(postgast.normalize(sql)))
    except postgast.PgQueryError as error:
        raise NotParsedError(error.message) from None
    return text


def parse_within(block: Parsed, sql: str) -> list[Parsed]:
    """The statements in `sql`, which `block` executes."""
    found = parse(Statement(sql=sql, line=block.line, operation=block.operation, autocommit=block.autocommit))
    return [replace(parsed, in_block=True) for parsed in found]


def parse_plpgsql(function: str) -> list[dict[str, Any]]:
    """The tree of a CREATE FUNCTION in PL/pgSQL. Raises NotParsedError."""
    try:
        found: list[dict[str, Any]] = _postgast().parse_plpgsql(function)
    # The parser's JSON is not always well formed.
    except (_postgast().PgQueryError, ValueError) as error:
        raise NotParsedError(str(error)) from None
    return found


def unwrap(node: Node) -> Node:
    """The message inside of a `Node`, which is any of them."""
    chosen = node.WhichOneof("node") if type(node).__name__ == "Node" else None
    return getattr(node, chosen) if chosen else node


def walk(node: Node) -> Iterator[Node]:
    """`node` and all below it."""
    for _, found in _postgast().walk(node):
        yield found


def kinds(node: Node, kind: str) -> Iterator[Node]:
    """All nodes of `kind` in the tree, such as `FuncCall`."""
    return (found for found in walk(node) if type(found).__name__ == kind)


def options(node: Node) -> set[str]:
    """The names of the options that a utility statement was given, those that say no excepted."""
    found = set()
    for option in map(unwrap, node.options if hasattr(node, "options") else node.params):
        value = unwrap(option.arg) if option.HasField("arg") else None
        said = getattr(value, "sval", "") or str(getattr(value, "ival", ""))
        if said.lower() not in {"false", "off", "0"}:
            found.add(option.defname)
    return found


def name_of(enum: str, value: int) -> str:
    """The name of an enumeration's value: `name_of("ObjectType", 42)` is `OBJECT_TABLE`."""
    found: str = getattr(_postgast().pg_query_pb2, enum).Name(value)
    return found


def _parsed(sql: str) -> Any:
    try:
        return _postgast().parse(sql).stmts
    except _postgast().PgQueryError as error:
        raise NotParsedError(error.message) from None


def _postgast() -> ModuleType:
    """Loaded when it is needed: it is large, and most calls of the Lambda need none of it."""
    return importlib.import_module("postgast")
