"""Where each part of the stage writes its log."""

import shutil
from pathlib import Path

from seachange.rehearsal.errors import RehearsalError


def fresh_logs(out: Path) -> Path:
    """An empty `logs` directory below `out`, as an absolute path; RehearsalError when it cannot be made."""
    logs = out.resolve() / "logs"
    try:
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
    except OSError as error:
        raise RehearsalError(
            f"{logs} cannot be written ({error.strerror}); choose another directory with --out"
        ) from error
    return logs
