"""A setting that a statement changes, by SET or by set_config()."""

from dataclasses import dataclass

from seachange_migrations.check.names import strings
from seachange_migrations.check.parser import Node, Parsed, kinds, name_of, unwrap

EVERY = "all"


@dataclass(frozen=True)
class Setting:
    """`value` is empty for the default, or where it is no constant; `name` is `all` for RESET ALL. `local`: for the transaction alone."""

    name: str
    value: str
    local: bool


def setting(statement: Parsed) -> Setting | None:
    """The setting that `statement` changes; None when it changes none."""
    node = statement.node
    if statement.kind == "VariableSetStmt":
        is_value = name_of("VariableSetKind", node.kind) in {"VAR_SET_VALUE", "VAR_SET_MULTI"}
        value = ", ".join(map(_constant, map(unwrap, node.args))) if is_value else ""
        is_all = name_of("VariableSetKind", node.kind) == "VAR_RESET_ALL"
        return Setting(EVERY if is_all else node.name.lower(), value, node.is_local)
    if statement.kind == "SelectStmt":
        for call in kinds(node, "FuncCall"):
            if strings(call.funcname)[-1] == "set_config" and len(call.args) == 3:
                name, value, local = (_constant(unwrap(argument)) for argument in call.args)
                return Setting(name.lower(), value, local == "true")
    return None


def _constant(node: Node) -> str:
    if type(node).__name__ != "A_Const":
        return ""
    match node.WhichOneof("val"):
        case "ival":
            return str(node.ival.ival)
        case "fval":
            return str(node.fval.fval)
        case "sval":
            return str(node.sval.sval)
        case "boolval":
            return "true" if node.boolval.boolval else "false"
    return ""
