"""Database migrations as part of a deployment."""

from seachange.migrations.alembic import AlembicMigrations
from seachange.migrations.runner import FargateRunner
from seachange.migrations.wheels import BundleError

__all__ = ["AlembicMigrations", "BundleError", "FargateRunner"]
