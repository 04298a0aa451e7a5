"""A sync, all that its functions and its trigger are made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from seachange_migrations.sync import names
from seachange_migrations.sync.conversion import Conversion
from seachange_migrations.sync.guards import Guards
from seachange_migrations.sync.table import Column, Table

PARTS = ("sync", "forward", "backward", "in_step", "kept", "survives", "key", "in_repair", "to_repair", "rekey", "fits")
"""What functions a sync has beside those that convert a column."""


@dataclass(frozen=True, kw_only=True)
class Sync:
    """Two column sets of one table, each derived from the other."""

    name: str
    table: Table
    forward: Conversion
    backward: Conversion
    lossy: bool
    guards: Guards

    @property
    def old(self) -> tuple[Column, ...]:
        """The columns that blue writes."""
        return tuple(self.forward.sources)

    @property
    def new(self) -> tuple[Column, ...]:
        """The columns that green writes."""
        return tuple(self.forward.targets)

    @property
    def key(self) -> tuple[Column, ...]:
        """The columns that name a row."""
        return tuple(self.table.columns[name] for name in self.table.key)

    @property
    def is_identity(self) -> bool:
        """Whether no conversion can fail or change a value."""
        return self.forward.is_identity and self.backward.is_identity

    def function(self, part: str) -> str:
        """One of PARTS of this sync, qualified and quoted."""
        return names.function(self.name, part)


def function_names(sync: str, old: Sequence[str], new: Sequence[str]) -> list[str]:
    """All functions that a sync may have made, qualified and quoted."""
    return [
        *(names.function(sync, part) for part in PARTS),
        *(names.conversion(sync, column) for column in (*old, *new)),
    ]
