"""JUnit XML: one suite for the rehearsal, one case per claim; for the drills one case per drill.

It fits both schemas in use, Ant's as Windy Road wrote it down and that of Jenkins' xUnit plugin:
https://github.com/windyroad/JUnit-Schema, https://github.com/jenkinsci/xunit-plugin (junit-10.xsd). So there are no attributes on the root, every
one of Ant's on the suite, and no output in a case.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from seachange.rehearsal.report.claims import Claim, claims

# XML 1.0 cannot hold these at all, and a task's last lines may: colours of a terminal.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SUITES = {"seachange.rehearsal/1": "rehearsal", "seachange.drills/1": "drills"}
_PROPERTIES = ("schema", "verdict", "drill", "speed", "rate", "rows", "repeat")


def junit(report: Mapping[str, Any]) -> str:
    """The report as JUnit XML: a broken claim is a failure, one that stays open is skipped, and a machine at fault is an error."""
    suite_name = _SUITES[report["schema"]]
    cases = claims(report)
    kinds = [_kind(claim) for claim in cases]
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        id="0",
        package="seachange",
        name=suite_name,
        timestamp=datetime.fromisoformat(report["started_at"]).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(len(cases)),
        failures=str(kinds.count("failure")),
        errors=str(kinds.count("error")),
        skipped=str(kinds.count("skipped")),
        time=f"{_duration_s(report):.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for name in _PROPERTIES:
        if name in report:
            ET.SubElement(properties, "property", name=name, value=_clean(str(report[name])))
    for claim, kind in zip(cases, kinds, strict=True):
        case = ET.SubElement(suite, "testcase", classname=f"seachange.{suite_name}", name=_clean(claim.name), time="0")
        if kind:
            ET.SubElement(case, kind, type=claim.answer, message=_clean(claim.text)).text = _clean(claim.text)
    ET.SubElement(suite, "system-out").text = _clean("\n".join(f"{claim.name}: {claim.text}" for claim in cases))
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    xml: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return xml.decode() + "\n"


def _kind(claim: Claim) -> str:
    match claim.answer:
        case "broken":
            return "error" if claim.of_machine else "failure"
        case "open":
            return "skipped"
    return ""


def _duration_s(report: Mapping[str, Any]) -> float:
    """How long the load ran; the drills have reports of their own."""
    return float(max((phase["to_s"] for phase in report.get("timeline", {}).get("phases", ())), default=0.0))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("", text)
