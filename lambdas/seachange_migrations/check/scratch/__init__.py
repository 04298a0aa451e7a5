"""A scratch database: the real one's schema, a few of its rows, on the same server, gone afterwards."""

from seachange_migrations.check.scratch.database import Scratch, scratch
from seachange_migrations.check.scratch.errors import ScratchError

__all__ = ["Scratch", "ScratchError", "scratch"]
