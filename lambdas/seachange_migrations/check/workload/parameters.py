"""Which column each parameter of a statement stands for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from seachange_migrations.check.parser import Parsed, name_of, unwrap
from seachange_migrations.check.workload.tables import Tables


class Use(Enum):
    """How a parameter is used: compared with or stored in its column, as an array of the column's values, as a row count."""

    VALUE = 1
    ARRAY = 2
    LIMIT = 3
    OFFSET = 4


@dataclass(frozen=True)
class Target:
    """What a parameter stands for. `table` is the key in Tables; `column` is empty for row counts."""

    use: Use
    table: str = ""
    column: str = ""


Scope = Mapping[str, str]
"""By alias the key of its table."""


def targets(parsed: Parsed, tables: Tables) -> dict[int, Target]:
    """The targets of the parameters, by number; a parameter that stands for no column is left out."""
    finder = _Finder(tables)
    finder.visit(parsed.node, {})
    return finder.found


class _Finder:
    def __init__(self, tables: Tables) -> None:
        self.found: dict[int, Target] = {}
        self._tables = tables

    def visit(self, node: Any, scope: Scope) -> None:
        match type(node).__name__:
            case "SelectStmt":
                scope = {**scope, **self._scope(node.from_clause)}
                for field, use in (("limit_count", Use.LIMIT), ("limit_offset", Use.OFFSET)):
                    for number in _parameters(getattr(node, field)):
                        self.found.setdefault(number, Target(use))
            case "InsertStmt":
                scope = {**scope, **self._scope([node.relation])}
                self._insert(node)
            case "UpdateStmt":
                scope = {**scope, **self._scope([node.relation, *node.from_clause])}
                self._assign(node.target_list, self._key(node.relation))
            case "DeleteStmt":
                scope = {**scope, **self._scope([node.relation, *node.using_clause])}
            case "MergeStmt":
                scope = {**scope, **self._scope([node.relation, node.source_relation])}
                self._merge(node)
            case "A_Expr":
                self._compare(node, scope)
        for child in _children(node):
            self.visit(child, scope)

    def _scope(self, nodes: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for node in map(unwrap, nodes):
            match type(node).__name__:
                case "RangeVar":
                    if key := self._key(node):
                        found[node.alias.aliasname or node.relname] = key
                case "JoinExpr":
                    found |= self._scope([node.larg, node.rarg])
        return found

    def _key(self, relation: Any) -> str:
        return self._tables.key(relation.schemaname, relation.relname)

    def _insert(self, node: Any) -> None:
        key = self._key(node.relation)
        columns = [unwrap(target).name for target in node.cols] or self._tables.columns(key)
        select = unwrap(node.select_stmt)
        if type(select).__name__ == "SelectStmt":
            rows = [unwrap(row).items for row in select.values_lists]
            rows.append([unwrap(target).val for target in select.target_list])
            for row in rows:
                for column, value in zip(columns, row, strict=False):
                    self._stored(value, key, column)
        self._assign(node.on_conflict_clause.target_list, key)

    def _merge(self, node: Any) -> None:
        key = self._key(node.relation)
        for clause in map(unwrap, node.merge_when_clauses):
            if clause.values:
                columns = [unwrap(target).name for target in clause.target_list] or self._tables.columns(key)
                for column, value in zip(columns, clause.values, strict=False):
                    self._stored(value, key, column)
            else:
                self._assign(clause.target_list, key)

    def _assign(self, target_list: Any, key: str) -> None:
        for target in map(unwrap, target_list):
            value = unwrap(target.val)
            if type(value).__name__ == "MultiAssignRef":
                row = unwrap(value.source)
                if type(row).__name__ == "RowExpr":
                    self._stored(row.args[value.colno - 1], key, target.name)
            else:
                self._stored(target.val, key, target.name)

    def _stored(self, value: Any, key: str, column: str) -> None:
        if key and column:
            for number in _parameters(value):
                self.found.setdefault(number, Target(Use.VALUE, key, column))

    def _compare(self, node: Any, scope: Scope) -> None:
        left, right = unwrap(node.lexpr), unwrap(node.rexpr)
        if type(left).__name__ == type(right).__name__ == "RowExpr":
            for one, other in zip(left.args, right.args, strict=False):
                self._pair(unwrap(one), unwrap(other), scope, Use.VALUE)
            return
        any_of = name_of("A_Expr_Kind", node.kind) in {"AEXPR_OP_ANY", "AEXPR_OP_ALL"}
        bare = type(_without_cast(right)).__name__ == "ParamRef"
        self._pair(left, right, scope, Use.ARRAY if any_of and bare else Use.VALUE)

    def _pair(self, left: Any, right: Any, scope: Scope, use: Use) -> None:
        for one, other, how in ((left, right, use), (right, left, Use.VALUE)):
            target = next((found for node in _below(one) if (found := self._column(node, scope))), None)
            if target:
                for number in _parameters(other):
                    self.found.setdefault(number, Target(how, *target))

    def _column(self, node: Any, scope: Scope) -> tuple[str, str] | None:
        if type(node).__name__ != "ColumnRef":
            return None
        parts = [unwrap(part).sval for part in node.fields if type(unwrap(part)).__name__ == "String"]
        if len(parts) >= 2 and parts[-2] in scope:
            return scope[parts[-2]], parts[-1]
        if len(parts) == 1:
            return next(((key, parts[0]) for key in scope.values() if parts[0] in self._tables.columns(key)), None)
        return None


def _parameters(node: Any) -> Iterator[int]:
    return (found.number for found in _below(unwrap(node)) if type(found).__name__ == "ParamRef")


def _below(node: Any) -> Iterator[Any]:
    """`node` and what is below it, but for queries within, which have columns of their own."""
    if type(node).__name__ == "SelectStmt":
        return
    yield node
    for child in _children(node):
        yield from _below(child)


def _children(node: Any) -> Iterator[Any]:
    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            repeated = hasattr(value, "__len__")
            yield from map(unwrap, value) if repeated else (unwrap(value),)


def _without_cast(node: Any) -> Any:
    while type(node).__name__ == "TypeCast":
        node = unwrap(node.arg)
    return node
