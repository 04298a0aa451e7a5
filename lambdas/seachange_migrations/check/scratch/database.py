"""The scratch database's life: made, brought to the real one's schema, compared, dropped."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.running import TimeLeft, endless


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A scratch database.

    `real` and `settings` are the two databases for the same role. `differences` says by table (`schema.name`) in what the
    scratch database differs from the real one, and under the empty name what differs outside of tables.
    """

    real: ConnectionSettings
    settings: ConnectionSettings
    source: str
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@contextmanager
def scratch(
    settings: ConnectionSettings,
    directory: Path,
    *,
    creator: ConnectionSettings | None = None,
    time_left: TimeLeft = endless,
) -> Iterator[Scratch]:
    """A scratch database at the current schema of the database of `settings`, dropped on every exit.

    `creator` makes it, and needs CREATEDB; the role of `settings` by default, which owns it. Raises ScratchError.
    """
    raise NotImplementedError
    yield
