"""Operations for authors of migrations: importing this adds them to Alembic's `op`. Each expands to the recipe that is safe under load.

Expand: `op.sync_columns`, `op.rename_column`, `op.change_type`, `op.backfill`. Contract: `op.set_not_null`, `op.add_unique`,
`op.add_foreign_key`, `op.drop_synced`. They work under the engine and under plain `alembic upgrade`.
"""

from seachange_migrations.operations.add_foreign_key import AddForeignKey
from seachange_migrations.operations.add_unique import AddUnique
from seachange_migrations.operations.backfill import BackfillRows
from seachange_migrations.operations.change_type import ChangeType
from seachange_migrations.operations.drop_synced import DropSynced
from seachange_migrations.operations.rename_column import RenameColumn
from seachange_migrations.operations.set_not_null import SetNotNull
from seachange_migrations.operations.sync_columns import SyncColumns

__all__ = [
    "AddForeignKey",
    "AddUnique",
    "BackfillRows",
    "ChangeType",
    "DropSynced",
    "RenameColumn",
    "SetNotNull",
    "SyncColumns",
]
