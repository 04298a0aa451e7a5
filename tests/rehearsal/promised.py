"""The keys that docs/guide/report.md promises, and which of them a report lacks."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "report.md"
_SECTIONS = {"seachange.rehearsal/1": "## report.json", "seachange.drills/1": "### The table of the drills"}


def promised(schema: str) -> list[str]:
    """The paths of a schema's table: `a.b` in an object, `a[]` for the entries of a list."""
    section = GUIDE.read_text("utf-8").split(_SECTIONS[schema] + "\n")[1].split("\n##")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [path for row in rows for path in re.findall(r"`([^`]+)`", row)]


def missing(report: Mapping[str, Any]) -> list[str]:
    """The promised paths that a report does not have; an empty list or null has all that would be below it."""
    return [path for path in promised(report["schema"]) if not _has(report, path.split("."))]


def unpromised(report: Mapping[str, Any]) -> set[str]:
    """The top-level keys of a report that no path begins with."""
    return set(report) - {re.split(r"[.\[]", path)[0] for path in promised(report["schema"])}


def _has(value: Any, path: list[str]) -> bool:
    if value is None or not path:
        return True
    name, rest = path[0], path[1:]
    if not isinstance(value, Mapping) or name.removesuffix("[]") not in value:
        return False
    below = value[name.removesuffix("[]")]
    if not name.endswith("[]"):
        return _has(below, rest)
    return isinstance(below, list) and all(_has(entry, rest) for entry in below)
