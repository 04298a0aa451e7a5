"""Collects the serving release's statements: a recording, and what PostgreSQL counted."""

from collections.abc import Sequence
from pathlib import Path

from seachange_migrations.check.workload.model import Workload
from seachange_migrations.connection import ConnectionSettings

INTERVAL_S = 10.0


def collect(
    settings: ConnectionSettings,
    *,
    recording: Path | None = None,
    roles: Sequence[str] = (),
    interval_s: float = INTERVAL_S,
) -> Workload:
    """The statements that the serving release executes on the database of `settings`.

    First those of `recording`, when there is one; then those of pg_stat_statements whose `calls` grow within `interval_s`
    seconds, executed by `roles`: every role but the one of `settings` by default. Raises ScratchError when there is
    neither.
    """
    raise NotImplementedError
