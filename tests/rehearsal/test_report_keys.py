"""What docs/guide/report.md promises of report.json is what a report has."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.rehearsal import reports
from tests.rehearsal.promised import missing, promised, unpromised

ALL = (reports.good, reports.bad, reports.machine, reports.drills)


@pytest.mark.parametrize("make", ALL)
def test_a_report_has_every_promised_key(make: Callable[[], dict[str, Any]]) -> None:
    assert missing(make()) == []


def test_every_promised_key_would_be_missed() -> None:
    for whole in (reports.bad(), reports.drills()):
        for path in promised(whole["schema"]):
            report = copy.deepcopy(whole)
            if path != "schema":
                _drop(report, path.split("."))
                assert path in missing(report), path


def test_what_is_not_promised_is_named() -> None:
    assert unpromised(reports.good()) == {"phases", "unexplained_failures", "kept_idle"}
    assert unpromised(reports.drills()) == set()


def _drop(value: Any, path: list[str]) -> None:
    """Takes a path's last name out of every object that has it."""
    name = path[0].removesuffix("[]")
    if len(path) == 1:
        del value[name]
    else:
        for below in value[name] if path[0].endswith("[]") else [value[name]]:
            _drop(below, path[1:])
