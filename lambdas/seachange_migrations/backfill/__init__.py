"""Brings the rows that were there before in step: in small committed batches, resumably, until a whole scan finds none left."""

from seachange_migrations.backfill.doors import run, run_range, split
from seachange_migrations.backfill.errors import BackfillFailedError, BackfillPendingError, NoKeyError, RowsBusyError
from seachange_migrations.backfill.plan import estimate
from seachange_migrations.backfill.spec import Backfill, BackfillPlan, BackfillStatus
from seachange_migrations.backfill.status import status
from seachange_migrations.backfill.store import forget, pause

__all__ = [
    "Backfill",
    "BackfillFailedError",
    "BackfillPendingError",
    "BackfillPlan",
    "BackfillStatus",
    "NoKeyError",
    "RowsBusyError",
    "estimate",
    "forget",
    "pause",
    "run",
    "run_range",
    "split",
    "status",
]
