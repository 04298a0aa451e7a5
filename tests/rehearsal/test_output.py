"""Where a rehearsal writes: what an earlier one left there goes, and nothing else."""

from pathlib import Path

import pytest

from seachange.rehearsal.errors import RehearsalError
from seachange.rehearsal.output import REPORT_JSON, fresh_output


def test_an_earlier_rehearsals_logs_and_report_go(tmp_path: Path) -> None:
    logs = fresh_output(tmp_path)
    for path in (logs / "secrets-manager.log", logs / "load.log", tmp_path / REPORT_JSON):
        path.touch()
    assert fresh_output(tmp_path) == logs
    assert list(logs.iterdir()) == []
    assert not (tmp_path / REPORT_JSON).exists()


def test_anybodys_own_logs_stay(tmp_path: Path) -> None:
    own = tmp_path / "logs" / "own.log"
    own.parent.mkdir()
    own.touch()
    with pytest.raises(RehearsalError, match="no rehearsal wrote"):
        fresh_output(tmp_path)
    assert own.exists()
