"""Two-way sync: triggers that keep old and new columns in step while two releases write."""

from seachange_migrations.sync.rows import assignments, behind_predicate, divergent
from seachange_migrations.sync.verify import verify

__all__ = ["assignments", "behind_predicate", "divergent", "verify"]
