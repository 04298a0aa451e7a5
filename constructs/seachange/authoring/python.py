"""Writes statements as a formatter would leave them: double quotes, and one argument a line where a line is too long."""

import ast
from collections.abc import Iterable

WIDTH = 88
INDENT = "    "


class Code(str):
    """Python source, where a value is expected."""

    __slots__ = ()


def call(function: str, /, *arguments: object, **named: object) -> str:
    """The source of a call. Arguments are written as literals, `Code` as it stands; a named one that is None is left out."""
    given = [_source(value) for value in arguments]
    given += [f"{name}={_source(value)}" for name, value in named.items() if value is not None]
    return f"{function}({', '.join(given)})"


def formatted(source: str, level: int = 1) -> list[str]:
    """The lines of the statements of `source`, at `level` of indentation."""
    return [line for statement in ast.parse(source).body for line in _statement(statement, level)]


def comment(text: str, level: int = 1) -> list[str]:
    """`text` as a comment, its lines kept."""
    return [f"{INDENT * level}# {line}".rstrip() for line in text.splitlines()]


def _source(value: object) -> str:
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_source(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_source(item) for item in value) + "]"
    # A quoted name is a subclass of str with a representation of its own.
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _statement(statement: ast.stmt, level: int) -> list[str]:
    if isinstance(statement, ast.With):
        (item,) = statement.items
        inner = [line for part in statement.body for line in _statement(part, level + 1)]
        return [f"{INDENT * level}with {_flat(item.context_expr)}:", *inner]
    if isinstance(statement, ast.Raise) and statement.exc is not None:
        return _expression(statement.exc, level, "raise ", "")
    if isinstance(statement, ast.Expr):
        return _expression(statement.value, level, "", "")
    return [f"{INDENT * level}{line}" for line in ast.unparse(statement).splitlines()]


def _expression(node: ast.expr, level: int, before: str, after: str) -> list[str]:
    flat = f"{INDENT * level}{before}{_flat(node)}{after}"
    if len(flat) <= WIDTH:
        return [flat]
    match node:
        case ast.Call():
            inner = [_expression(argument, level + 1, "", ",") for argument in node.args]
            inner += [_expression(word.value, level + 1, f"{word.arg}=", ",") for word in node.keywords]
            start, end = f"{_flat(node.func)}(", ")"
        case ast.List():
            inner = [_expression(element, level + 1, "", ",") for element in node.elts]
            start, end = "[", "]"
        case ast.Dict():
            pairs = [(key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None]
            inner = [_expression(value, level + 1, f"{_flat(key)}: ", ",") for key, value in pairs]
            start, end = "{", "}"
        case _:
            return [flat]
    if not inner:
        return [flat]
    lines = [line for part in inner for line in part]
    return [f"{INDENT * level}{before}{start}", *lines, f"{INDENT * level}{end}{after}"]


def _flat(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return _string(text)
        case ast.Call():
            named = [f"{word.arg}={_flat(word.value)}" for word in node.keywords]
            return f"{_flat(node.func)}({_joined([*map(_flat, node.args), *named])})"
        case ast.List():
            return f"[{_joined(map(_flat, node.elts))}]"
        case ast.Dict():
            pairs = zip(node.keys, node.values, strict=True)
            return "{" + _joined(f"{_flat(key)}: {_flat(value)}" for key, value in pairs if key is not None) + "}"
        case ast.Attribute():
            return f"{_flat(node.value)}.{node.attr}"
        case _:
            return ast.unparse(node)


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _string(text: str) -> str:
    # With a double quote in it, repr() delimits by single quotes and escapes those that are inside.
    body = repr(text + '"')[1:-2].replace("\\'", "'")
    if text.count('"') > text.count("'"):
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'
