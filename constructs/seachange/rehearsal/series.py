"""All drills, one after the other, and their table: what had to come of each, and what did."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seachange.rehearsal import report
from seachange.rehearsal.drills import Drill, all_drills
from seachange.rehearsal.errors import NotApplicableError, StageError
from seachange.rehearsal.report.drills import SCHEMA


def rehearse_all(rehearse: Callable[[Drill, Path], Mapping[str, Any]], out: Path, *, repeat: str) -> dict[str, Any]:
    """Rehearses every drill and writes their table.

    Args:
        rehearse: Rehearses one drill into a directory and returns its report; NotApplicableError for one that this service cannot have.
        out: Where the table is written, and below it each drill's own report.
        repeat: The command line that does the same again.

    Returns:
        The table, schema `seachange.drills/1` (docs/guide/report.md).
    """
    started = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    releases: Mapping[str, str] = {"blue": "", "green": ""}
    for drill in all_drills():
        try:
            result = rehearse(drill, out / drill.name)
        except NotApplicableError as error:
            rows.append(_left_out(drill, str(error)))
            continue
        except StageError as error:
            # The other drills' answers, an hour's work, stay.
            failed = {"expected": "not computed", "outcome": "could not be rehearsed", "as_expected": False}
            rows.append(_left_out(drill, str(error)) | failed)
            continue
        releases = result["releases"]
        rows.append(row(drill, result))
    wrong = [f"drill {entry['name']}: {entry['why']}" for entry in rows if entry["as_expected"] is False]
    table = {
        "schema": SCHEMA,
        "verdict": "fail" if wrong else "pass",
        "reasons": wrong,
        "started_at": started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "releases": releases,
        "drills": rows,
        "repeat": repeat,
    }
    report.write(table, out)
    return table


def row(drill: Drill, result: Mapping[str, Any]) -> dict[str, Any]:
    """One drill's line of the table.

    Args:
        drill: The drill.
        result: Its rehearsal's report.
    """
    expected, kind = result["expectation"], result["outcome"]["kind"]
    wrong = _wrong(drill, result)
    decided = expected["outcome"] != "undecided" and not result["not_performed"]
    why = "; ".join(wrong or result["not_performed"]) or expected["why"]
    return {
        "name": drill.name,
        "what": drill.what,
        "expected": expected["outcome"],
        "probability": expected["probability"],
        "outcome": kind,
        "as_expected": False if wrong else True if decided else None,
        "why": why,
        "requests": result["requests"]["total"],
        "failed": result["requests"]["failed"],
        "rows_checked": result["data"]["rows_checked"],
        "divergent": result["data"]["divergent"],
        "page": f"{drill.name}/report.html",
    }


def _wrong(drill: Drill, result: Mapping[str, Any]) -> list[str]:
    """What must never be, whatever the alarms do, and an outcome that was not expected."""
    expected, kind, data = result["expectation"]["outcome"], result["outcome"]["kind"], result["data"]
    wrong = []
    if expected not in ("undecided", kind) and not result["not_performed"]:
        wrong.append(f"it should end with {expected}, and ended with {kind} {result['outcome']['why']}".rstrip())
    if result["unexplained_failures"]:
        wrong.append(f"{result['unexplained_failures']} requests failed that the drill does not fail")
    if data["divergent"] or not data["rows_checked"]:
        wrong.append(f"{data['divergent']} of {data['rows_checked']} rows differ")
    if data["rows_lost"]:
        wrong.append(f"{data['rows_lost']} rows are lost that the load had added")
    if drill.idle and result["kept_idle"] is not True:
        wrong.append("the service closed an idle connection before the load balancer does")
    return wrong


def _left_out(drill: Drill, why: str) -> dict[str, Any]:
    return {
        "name": drill.name,
        "what": drill.what,
        "expected": "not applicable",
        "probability": None,
        "outcome": "not applicable",
        "as_expected": None,
        "why": why,
        "requests": 0,
        "failed": 0,
        "rows_checked": 0,
        "divergent": 0,
        "page": None,
    }
