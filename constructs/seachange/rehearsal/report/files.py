"""Where the parts of a report are written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seachange.rehearsal.output import JUNIT_XML, REPORT_HTML, REPORT_JSON, SUMMARY_MD
from seachange.rehearsal.report.junit import junit
from seachange.rehearsal.report.page import page
from seachange.rehearsal.report.summary import summary


def write(report: Mapping[str, Any], out: Path) -> tuple[Path, Path]:
    """Writes `report.json`, `report.html`, `junit.xml` and `summary.md`, each whole or not at all.

    Args:
        report: What `verdict.judge` returned.
        out: An existing directory.

    Returns:
        The paths of JSON and page.
    """
    texts = {
        REPORT_JSON: json.dumps(report, indent=2) + "\n",
        REPORT_HTML: page(report),
        JUNIT_XML: junit(report),
        SUMMARY_MD: summary(report),
    }
    for name, text in texts.items():
        draft = out / f"{name}.draft"
        draft.write_text(text, "utf-8")
        draft.replace(out / name)
    return out / REPORT_JSON, out / REPORT_HTML
