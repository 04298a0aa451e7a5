"""What a rule sees besides its statement: the schema before it, and what this revision has done up to here."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from seachange_migrations.check.alterations import added_constraints, alterations
from seachange_migrations.check.names import Name, dotted, relation, strings
from seachange_migrations.check.parser import Parsed, kinds, name_of, unwrap
from seachange_migrations.check.tables import Tables
from seachange_migrations.phases import Phase


@dataclass
class Transaction:
    """What the transaction that the statement belongs to has done before it."""

    locked: set[Name] = field(default_factory=set)
    unvalidated: set[tuple[Name, str]] = field(default_factory=set)
    enum_values: set[str] = field(default_factory=set)


@dataclass
class SoFar:
    """`created` holds the tables and other objects that this revision has made: nobody uses them yet.

    `open_block`: an explicit BEGIN was executed outside of Alembic's own transaction.
    """

    phase: Phase
    tables: Tables
    created: set[Name] = field(default_factory=set)
    created_columns: set[tuple[Name, str]] = field(default_factory=set)
    transaction: Transaction = field(default_factory=Transaction)
    open_block: bool = False
    _autocommit: bool = False

    def is_new(self, table: Name) -> bool:
        """Whether this revision has made the table, so that no release uses it and no row is in it but its own."""
        return table in self.created

    def are_new(
        self, table: Name, columns: tuple[str, ...], *, also: AbstractSet[tuple[Name, str]] = frozenset()
    ) -> bool:
        """Whether this revision, or `also` its present statement, has made the table, or each of the columns: no release writes them yet."""
        made = self.created_columns | also
        return table in self.created or (bool(columns) and all((table, name) in made for name in columns))

    def in_transaction(self, statement: Parsed) -> bool:
        return not statement.autocommit or self.open_block

    def begin(self, statement: Parsed) -> None:
        """Called before the rules see `statement`: starts the transaction that it is the first of."""
        if not self.in_transaction(statement) or self._autocommit != statement.autocommit:
            self.transaction = Transaction()
        self._autocommit = statement.autocommit

    def apply(self, statement: Parsed) -> None:
        """Called after the rules have seen `statement`."""
        if statement.kind == "TransactionStmt":
            kind = name_of("TransactionStmtKind", statement.node.kind)
            if kind in {"TRANS_STMT_BEGIN", "TRANS_STMT_START"}:
                self.open_block, self.transaction = True, Transaction()
            elif kind in {"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK"}:
                self.open_block, self.transaction = False, Transaction()
        self.created |= {name for name, sure in _created(statement) if sure or name not in self.tables.tables}
        self.created_columns |= {
            (found.table, found.definition.colname) for found in alterations(statement, "AT_AddColumn")
        }
        self.transaction.unvalidated |= {
            (found.table, found.name) for found in added_constraints(statement) if not found.validated
        }
        if statement.kind == "AlterEnumStmt" and not statement.node.old_val:
            self.transaction.enum_values.add(statement.node.new_val)
        self.transaction.locked |= {table for table in exclusively_locked(statement) if not self.is_new(table)}
        self.tables.apply(statement)


# These ALTER TABLE commands do with less than ACCESS EXCLUSIVE (the page of ALTER TABLE names the level of each).
WEAKER = frozenset(
    {
        "AT_ValidateConstraint", "AT_SetStatistics", "AT_ClusterOn", "AT_DropCluster", "AT_AttachPartition",
        "AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_DisableTrig", "AT_EnableTrigAll",
        "AT_DisableTrigAll", "AT_EnableTrigUser", "AT_DisableTrigUser", "AT_SetRelOptions", "AT_ResetRelOptions",
    }
)  # fmt: skip


def exclusively_locked(statement: Parsed) -> Iterator[Name]:
    """The tables that `statement` locks against reads too."""
    node = statement.node
    match statement.kind:
        case "AlterTableStmt":
            for found in alterations(statement):
                is_foreign_key = found.kind == "AT_AddConstraint" and found.definition.HasField("pktable")
                if found.kind not in WEAKER and not is_foreign_key:
                    yield found.table
        case "RenameStmt" if node.HasField("relation"):
            yield relation(node.relation)
        case "DropStmt" if name_of("ObjectType", node.remove_type) in {"OBJECT_TABLE", "OBJECT_MATVIEW"}:
            yield from (dotted(unwrap(found).items) for found in node.objects)
        case "DropStmt" if name_of("ObjectType", node.remove_type) in {
            "OBJECT_TRIGGER",
            "OBJECT_POLICY",
            "OBJECT_RULE",
        }:
            yield from (dotted(list(unwrap(found).items)[:-1]) for found in node.objects)
        case "CreateStmt" if node.HasField("partbound"):
            yield relation(unwrap(node.inh_relations[0]))
        case "TruncateStmt" | "LockStmt":
            yield from map(relation, map(unwrap, node.relations))


def _created(statement: Parsed) -> Iterator[tuple[Name, bool]]:
    """What `statement` makes; false where it may have been there: IF NOT EXISTS, OR REPLACE."""
    node = statement.node
    match statement.kind:
        case "CreateStmt":
            yield relation(node.relation), not node.if_not_exists
        case "CreateForeignTableStmt":
            yield relation(node.base_stmt.relation), not node.base_stmt.if_not_exists
        case "CreateTableAsStmt":
            yield relation(node.into.rel), not node.if_not_exists
        case "SelectStmt" if node.HasField("into_clause"):
            yield relation(node.into_clause.rel), True
        case "ViewStmt" if not node.replace:
            yield relation(node.view), True
        case "CreateSeqStmt" if not node.if_not_exists:
            yield relation(node.sequence), True
        case "CreateFunctionStmt" if not node.replace:
            yield dotted(node.funcname), True
        case "CreateSchemaStmt" if not node.if_not_exists:
            yield Name("public", node.schemaname), True
        case "CreateEnumStmt" | "CreateRangeStmt":
            yield dotted(node.type_name), True
        case "CompositeTypeStmt":
            yield relation(node.typevar), True
        case "CreateDomainStmt":
            yield dotted(node.domainname), True
        case "IndexStmt" if not node.if_not_exists:
            yield Name(node.relation.schemaname or "public", node.idxname), True
        case "CreateTrigStmt":
            yield Name("trigger", f"{relation(node.relation)}.{node.trigname}"), not node.replace


def columns_in(node: object) -> set[str]:
    """The names of all columns in an expression."""
    return {
        strings(found.fields)[-1]
        for found in kinds(node, "ColumnRef")
        if type(unwrap(found.fields[-1])).__name__ == "String"
    }
