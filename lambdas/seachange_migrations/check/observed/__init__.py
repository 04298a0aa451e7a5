"""What revisions do to a scratch database: the locks that each statement takes, and what it rewrites, scans and builds."""

from seachange_migrations.check.observed.observe import Applier, applier, observe
from seachange_migrations.check.observed.rules import RULES

__all__ = ["RULES", "Applier", "applier", "observe"]
