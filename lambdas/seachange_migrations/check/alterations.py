"""What ALTER TABLE does, command by command, and the columns and constraints that a statement brings."""

from collections.abc import Iterator
from dataclasses import dataclass

from seachange_migrations.check.names import Name, Type, relation, strings, type_of
from seachange_migrations.check.parser import Node, Parsed, name_of, unwrap


@dataclass(frozen=True)
class Alteration:
    """One command of an ALTER TABLE. `kind` is the parser's, such as `AT_DropColumn`; `name` is the column or constraint."""

    table: Name
    kind: str
    name: str
    definition: Node
    missing_ok: bool


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column as CREATE TABLE or ADD COLUMN defines it. `default` and `generated` are expressions of the parse tree; the
    latter of a stored column, for a virtual one has nothing in the table."""

    name: str
    type: Type
    not_null: bool = False
    default: Node | None = None
    generated: Node | None = None
    identity: str = ""


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A constraint that a statement adds. `kind` is the parser's, such as `CONSTR_FOREIGN`; `inline`: it stands in a column's
    definition."""

    table: Name
    kind: str
    name: str
    columns: tuple[str, ...]
    validated: bool
    index: str
    node: Node
    inline: bool = False


UNIQUE = frozenset({"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION"})
CHECKED = UNIQUE | {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_NOTNULL"}


def alterations(statement: Parsed, *wanted: str) -> Iterator[Alteration]:
    """The commands of an ALTER TABLE whose kind is among `wanted`; all of them when none is named."""
    if statement.kind != "AlterTableStmt":
        return
    table = relation(statement.node.relation)
    for node in statement.node.cmds:
        command = unwrap(node)
        kind = name_of("AlterTableType", command.subtype)
        if not wanted or kind in wanted:
            definition = unwrap(getattr(command, "def")) if command.HasField("def") else None
            yield Alteration(table, kind, command.name, definition, command.missing_ok)


def added_columns(statement: Parsed) -> Iterator[tuple[Name, Column]]:
    """The columns that ADD COLUMN brings."""
    for alteration in alterations(statement, "AT_AddColumn"):
        yield alteration.table, column(alteration.definition)


def column(definition: Node) -> Column:
    """The column in a ColumnDef."""
    constraints = {name_of("ConstrType", found.contype): found for found in map(unwrap, definition.constraints)}
    default, generated = constraints.get("CONSTR_DEFAULT"), constraints.get("CONSTR_GENERATED")
    identity = constraints.get("CONSTR_IDENTITY")
    return Column(
        name=definition.colname,
        type=type_of(definition.type_name),
        not_null=not constraints.keys().isdisjoint({"CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"}),
        default=unwrap(default.raw_expr) if default else None,
        generated=unwrap(generated.raw_expr) if generated and generated.generated_kind != "v" else None,
        identity=identity.generated_when if identity else "",
    )


def added_constraints(statement: Parsed) -> Iterator[Constraint]:
    """The constraints that an ALTER TABLE adds to columns that were there before, and to new ones."""
    for alteration in alterations(statement, "AT_AddConstraint", "AT_AddColumn"):
        if alteration.kind == "AT_AddConstraint":
            yield constraint(alteration.table, alteration.definition)
        else:
            yield from column_constraints(alteration.table, alteration.definition)


def column_constraints(table: Name, definition: Node) -> Iterator[Constraint]:
    """The constraints that stand in a column's definition."""
    for node in map(unwrap, definition.constraints):
        if name_of("ConstrType", node.contype) in CHECKED:
            yield constraint(table, node, columns=(definition.colname,))


def constraint(table: Name, node: Node, *, columns: tuple[str, ...] = ()) -> Constraint:
    """The constraint in a Constraint node."""
    kind = name_of("ConstrType", node.contype)
    inline = bool(columns)
    named = strings(node.fk_attrs) if kind == "CONSTR_FOREIGN" else strings(node.keys)
    return Constraint(
        table=table,
        kind=kind,
        name=node.conname,
        columns=named or columns,
        validated=not node.skip_validation,
        index=node.indexname,
        node=node,
        inline=inline,
    )
