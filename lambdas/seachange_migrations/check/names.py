"""Names of tables and other objects in a parse tree."""

from collections.abc import Iterable
from dataclasses import dataclass

from seachange_migrations.check.parser import Node, name_of, unwrap

# A varchar may stand as `varchar` or `character varying`; the parser has made one of it.
SERIAL = frozenset({"serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"})


@dataclass(frozen=True)
class Name:
    """A name as the statement writes it. An unqualified one counts as public's, which is where it nearly always resolves."""

    schema: str
    name: str

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


def relation(node: Node) -> Name:
    """The name in a RangeVar."""
    return Name(node.schemaname or "public", node.relname)


def dotted(nodes: Iterable[Node]) -> Name:
    """The name in a list of strings."""
    parts = [unwrap(part).sval for part in nodes]
    return Name(parts[-2] if len(parts) > 1 else "public", parts[-1]) if parts else Name("public", "")


def strings(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The texts in a list of strings, such as the columns of a key."""
    return tuple(unwrap(part).sval for part in nodes)


def dropped(object_node: Node) -> Name:
    """The name of an object in DROP, whose form differs by the object's kind."""
    node = unwrap(object_node)
    match type(node).__name__:
        case "List":
            return dotted(node.items)
        case "TypeName":
            return dotted(node.names)
        case "ObjectWithArgs":
            return dotted(node.objname)
        case _:
            return Name("public", node.sval)


def object_kind(value: int) -> str:
    """The kind of an object in words: `materialized view`."""
    name = name_of("ObjectType", value).removeprefix("OBJECT_")
    return {"MATVIEW": "materialized view"}.get(name, name.replace("_", " ").lower())


@dataclass(frozen=True)
class Type:
    """A column's type: PostgreSQL's internal name (`varchar`, `int4`) and its modifiers, such as a length."""

    name: str
    modifiers: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.modifiers))})" if self.modifiers else self.name


def type_of(node: Node) -> Type:
    """The type in a TypeName."""
    modifiers = [unwrap(modifier) for modifier in node.typmods]
    numbers = tuple(found.ival.ival for found in modifiers if type(found).__name__ == "A_Const")
    return Type(strings(node.names)[-1] + "[]" * len(node.array_bounds), numbers)
