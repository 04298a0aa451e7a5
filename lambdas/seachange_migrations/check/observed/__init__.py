"""What revisions do to a scratch database: the locks that each statement takes, and what it rewrites, scans and builds."""

from seachange_migrations.check.observed.observe import observe

__all__ = ["observe"]
