"""No rule knows this kind of statement.

What cannot be analysed is unknown, never safe.

Source: [SQL commands](https://www.postgresql.org/docs/current/sql-commands.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN
# Harmless, or judged by a rule of their own.
KNOWN = frozenset(
    {
        "AlterDefaultPrivilegesStmt", "AlterDomainStmt", "AlterEnumStmt", "AlterFunctionStmt", "AlterObjectSchemaStmt", "AlterOwnerStmt",
        "AlterPolicyStmt", "AlterSeqStmt", "AlterTableStmt", "CallStmt", "CheckPointStmt", "ClusterStmt", "CommentStmt",
        "CompositeTypeStmt", "ConstraintsSetStmt", "CreateAmStmt", "CreateCastStmt", "CreateDomainStmt", "CreateEnumStmt",
        "CreateExtensionStmt", "CreateFunctionStmt", "CreatePolicyStmt", "CreateRangeStmt", "CreateRoleStmt", "CreateSchemaStmt",
        "CreateSeqStmt", "CreateStatsStmt", "CreateStmt", "CreateTableAsStmt", "CreateTrigStmt", "DefineStmt", "DeleteStmt",
        "DoStmt", "DropOwnedStmt", "DropRoleStmt", "DropStmt", "ExplainStmt", "GrantRoleStmt", "GrantStmt", "IndexStmt",
        "InsertStmt", "LockStmt", "MergeStmt", "ReassignOwnedStmt", "RefreshMatViewStmt", "ReindexStmt", "RenameStmt", "RuleStmt",
        "SelectStmt", "TransactionStmt", "TruncateStmt", "UpdateStmt", "VacuumStmt", "VariableSetStmt", "VariableShowStmt",
        "ViewStmt",
    }
)  # fmt: skip
KNOWN_COMMANDS = frozenset(
    {
        "AT_AddColumn", "AT_ColumnDefault", "AT_DropNotNull", "AT_SetNotNull", "AT_SetExpression", "AT_DropExpression",
        "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetStorage", "AT_SetCompression", "AT_DropColumn",
        "AT_AddConstraint", "AT_ValidateConstraint", "AT_DropConstraint", "AT_AlterColumnType", "AT_ChangeOwner", "AT_ClusterOn",
        "AT_DropCluster", "AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod", "AT_SetTableSpace", "AT_SetRelOptions",
        "AT_ResetRelOptions", "AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_DisableTrig", "AT_EnableTrigAll",
        "AT_DisableTrigAll", "AT_EnableTrigUser", "AT_DisableTrigUser", "AT_EnableRule", "AT_EnableAlwaysRule",
        "AT_EnableReplicaRule", "AT_DisableRule", "AT_AddInherit", "AT_DropInherit", "AT_ReplicaIdentity",
        "AT_EnableRowSecurity", "AT_DisableRowSecurity", "AT_ForceRowSecurity", "AT_NoForceRowSecurity", "AT_AttachPartition",
        "AT_DetachPartition", "AT_DetachPartitionFinalize", "AT_AddIdentity", "AT_SetIdentity", "AT_DropIdentity",
    }
)  # fmt: skip


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    what = None if statement.kind in KNOWN else statement.kind
    for found in alterations(statement):
        if found.kind not in KNOWN_COMMANDS and not so_far.is_new(found.table):
            what = f"{found.kind.removeprefix('AT_')} of ALTER TABLE"
    if what:
        yield Hit(
            f"does what this check does not know ({what.removesuffix('Stmt')}).",
            "Let a scratch database show what it locks: `seachange check --url …`.",
        )
