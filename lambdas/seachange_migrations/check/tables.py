"""What the revisions so far have made of the schema, as far as their SQL tells.

It is knowledge, not a catalog: what an earlier revision did without our seeing it is not in it. So a rule may take from it
that something is there, never that something is not.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from seachange_migrations.check.alterations import (
    UNIQUE,
    Alteration,
    Column,
    Constraint,
    added_constraints,
    alterations,
    column,
    column_constraints,
    constraint,
)
from seachange_migrations.check.names import Name, dotted, dropped, relation, type_of
from seachange_migrations.check.parser import Parsed, name_of, unwrap


@dataclass(frozen=True)
class Index:
    """An index; `columns` are those that it keeps unique, none where expressions or a condition stand in it."""

    name: str
    table: Name
    unique: bool
    columns: tuple[str, ...] = ()


@dataclass
class Table:
    """A table. `whole`: all of its columns are known, because its CREATE TABLE was seen. `default`: it has a default partition."""

    whole: bool = False
    partitioned: bool = False
    default: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)


@dataclass
class Tables:
    tables: dict[Name, Table] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    checked_domains: set[str] = field(default_factory=set)
    functions: set[Name] = field(default_factory=set)

    def column(self, table: Name, name: str) -> Column | None:
        """The column, if it is known."""
        known = self.tables.get(table)
        return known.columns.get(name) if known else None

    def constraint(self, table: Name, name: str) -> Constraint | None:
        """The constraint, if it is known."""
        known = self.tables.get(table)
        return known.constraints.get(name) if known else None

    def unique_columns(self, table: Name) -> set[tuple[str, ...]]:
        """The sets of columns that are known to be unique in `table`."""
        known = self.tables.get(table, Table())
        keys = {found.columns for found in known.constraints.values() if found.kind in UNIQUE - {"CONSTR_EXCLUSION"}}
        return {
            key
            for key in keys
            | {found.columns for found in self.indexes.values() if found.table == table and found.unique}
            if key
        }

    def forget(self, source: str) -> None:
        """Forgets the tables that `source` names: a revision whose SQL could not be seen in full."""
        for name in [name for name in self.tables if name.name in source]:
            del self.tables[name]
        self.indexes = {key: found for key, found in self.indexes.items() if found.table.name not in source}

    def may_be_null(self, table: Name, index: str) -> tuple[str, ...]:
        """The columns of `index` that are not known to be NOT NULL; all of the table where the index is not known."""
        known = self.indexes.get(index)
        columns = known.columns if known else ("its columns",)
        found = {name: self.column(table, name) for name in columns}
        return tuple(name for name, column in found.items() if column is None or not column.not_null)

    def apply(self, statement: Parsed) -> None:
        """Takes over what `statement` does."""
        match statement.kind:
            case "CreateStmt":
                self._create(statement.node)
            case "AlterTableStmt":
                for alteration in alterations(statement):
                    self._alter(alteration)
                for found in added_constraints(statement):
                    self._table(found.table).constraints[found.name or _default_name(found)] = found
            case "CreateDomainStmt" if statement.node.constraints:
                self.checked_domains.add(dotted(statement.node.domainname).name)
            case "CreateFunctionStmt":
                self.functions.add(dotted(statement.node.funcname))
            case "IndexStmt":
                self._index(statement.node)
            case "DropStmt":
                self._drop(statement.node)
            case "RenameStmt":
                self._rename(statement.node)

    def _table(self, name: Name) -> Table:
        return self.tables.setdefault(name, Table())

    def _create(self, node: Any) -> None:
        name = relation(node.relation)
        table = self.tables[name] = Table(whole=True, partitioned=node.HasField("partspec"))
        if node.HasField("partbound") and node.partbound.is_default:
            self._table(relation(unwrap(node.inh_relations[0]))).default = True
        for element in map(unwrap, node.table_elts):
            if type(element).__name__ == "ColumnDef":
                table.columns[element.colname] = column(element)
                found = list(column_constraints(name, element))
            else:
                found = [constraint(name, element)] if type(element).__name__ == "Constraint" else []
            table.constraints |= {added.name or _default_name(added): added for added in found}
        for added in table.constraints.values():
            if added.kind == "CONSTR_PRIMARY":
                for key in added.columns:
                    if key in table.columns:
                        table.columns[key] = replace(table.columns[key], not_null=True)

    def _alter(self, alteration: Alteration) -> None:
        table = self._table(alteration.table)
        known = table.columns.get(alteration.name)
        match alteration.kind:
            case "AT_AttachPartition" if alteration.definition.bound.is_default:
                table.default = True
            case "AT_AddColumn":
                table.columns[alteration.definition.colname] = column(alteration.definition)
            case "AT_DropColumn":
                table.columns.pop(alteration.name, None)
            case "AT_DropConstraint":
                table.constraints.pop(alteration.name, None)
            case "AT_ValidateConstraint" if found := table.constraints.get(alteration.name):
                table.constraints[alteration.name] = replace(found, validated=True)
            case "AT_SetNotNull" if known:
                table.columns[alteration.name] = replace(known, not_null=True)
            case "AT_DropNotNull" if known:
                table.columns[alteration.name] = replace(known, not_null=False)
            case "AT_ColumnDefault" if known:
                table.columns[alteration.name] = replace(known, default=alteration.definition)
            case "AT_AlterColumnType" if known:
                table.columns[alteration.name] = replace(known, type=type_of(alteration.definition.type_name))

    def _index(self, node: Any) -> None:
        elements = [unwrap(parameter) for parameter in node.index_params]
        plain = not node.HasField("where_clause") and all(element.name for element in elements)
        columns = tuple(element.name for element in elements) if plain else ()
        self.indexes[node.idxname] = Index(node.idxname, relation(node.relation), node.unique, columns)

    def _drop(self, node: Any) -> None:
        kind = name_of("ObjectType", node.remove_type)
        for name in map(dropped, node.objects):
            if kind == "OBJECT_TABLE":
                self.tables.pop(name, None)
            elif kind == "OBJECT_INDEX":
                self.indexes.pop(name.name, None)

    def _rename(self, node: Any) -> None:
        kind, name = name_of("ObjectType", node.rename_type), relation(node.relation)
        if kind == "OBJECT_TABLE" and name in self.tables:
            self.tables[replace(name, name=node.newname)] = self.tables.pop(name)
        elif kind == "OBJECT_INDEX" and name.name in self.indexes:
            self.indexes[node.newname] = replace(self.indexes.pop(name.name), name=node.newname)
        elif name in self.tables and kind in {"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"}:
            table = self.tables[name]
            kept: dict[str, Any] = table.columns if kind == "OBJECT_COLUMN" else table.constraints
            if found := kept.pop(node.subname, None):
                kept[node.newname] = replace(found, name=node.newname)


def _default_name(found: Constraint) -> str:
    """The name that PostgreSQL gives to a constraint without one, but for its length and for clashes."""
    suffix = {"CONSTR_PRIMARY": "pkey", "CONSTR_UNIQUE": "key", "CONSTR_FOREIGN": "fkey", "CONSTR_EXCLUSION": "excl"}
    middle = () if found.kind == "CONSTR_PRIMARY" else found.columns
    return "_".join((found.table.name, *middle, suffix.get(found.kind, "check")))
