"""What a proof on a scratch database raises when it cannot be made."""

from seachange_migrations.errors import MigrationError


class ScratchError(MigrationError):
    """There is no scratch database, or a revision does not run in it: nothing is proven, and nothing is refuted."""
