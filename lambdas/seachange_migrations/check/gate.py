"""The gate at deploy time: the serving release's statements must work after the revisions that are about to run."""

from collections.abc import Sequence
from pathlib import Path

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.report import OnProgress, silent
from seachange_migrations.running import TimeLeft, endless


def gate(
    settings: ConnectionSettings,
    directory: Path,
    revisions: Sequence[str],
    *,
    creator: ConnectionSettings | None = None,
    service: ConnectionSettings | None = None,
    recording: Path | None = None,
    on_progress: OnProgress = silent,
    time_left: TimeLeft = endless,
) -> bool:
    """Whether `revisions` were proven to leave the serving release working; False when the proof was skipped.

    Raises ReleaseWouldBreakError, naming statement, revision, error and remedy.
    """
    raise NotImplementedError
