"""Where a rehearsal writes: its report, and a log of each part of the stage."""

import shutil
from pathlib import Path

from seachange.rehearsal.errors import RehearsalError

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
JUNIT_XML = "junit.xml"
SUMMARY_MD = "summary.md"
# The first log that a stage writes: a folder `logs` without it is somebody's own.
_FIRST_LOG = "secrets-manager.log"


def fresh_output(out: Path) -> Path:
    """Removes the last rehearsal's report and logs, lest they pass for this one's; returns the empty `logs`, as an absolute path.

    Raises RehearsalError when the directory cannot be written, or has `logs` that no rehearsal wrote.
    """
    logs = out.resolve() / "logs"
    if logs.is_dir() and any(logs.iterdir()) and not (logs / _FIRST_LOG).exists():
        raise RehearsalError(f"{logs} holds files that no rehearsal wrote; choose another directory with --out")
    try:
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir(parents=True)
        for name in (REPORT_JSON, REPORT_HTML, JUNIT_XML, SUMMARY_MD):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise RehearsalError(
            f"{out} cannot be written ({error.strerror}); choose another directory with --out"
        ) from error
    return logs
