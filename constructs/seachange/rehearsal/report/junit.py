"""JUnit XML: one suite for the rehearsal, one case per claim."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from seachange.rehearsal.report.claims import claims


def junit(report: Mapping[str, Any]) -> str:
    """The report as JUnit XML."""
    cases = list(claims(report))
    suite = ET.Element("testsuite", name="seachange rehearsal", tests=str(len(cases)))
    for claim in cases:
        case = ET.SubElement(suite, "testcase", classname="rehearsal", name=claim.name)
        if claim.answer == "broken":
            ET.SubElement(case, "failure", message=claim.text, type="broken")
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
