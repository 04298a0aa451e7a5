"""The JUnit file and the summary: what CI and a reviewer are told of a rehearsal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from seachange.rehearsal import report
from seachange.rehearsal.report import junit, summary
from seachange.rehearsal.report.claims import claims
from tests.rehearsal import reports

ALL = (reports.good, reports.bad, reports.machine, reports.drills)

# Ant's schema, as Windy Road wrote it down, with what Jenkins' adds nothing to: element → required attributes, optional ones, children in order.
SCHEMA: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": (set(), set(), ["testsuite"]),
    "testsuite": (
        {"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"},
        {"skipped"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped", "error", "failure"]),
    "failure": ({"type"}, {"message"}, []),
    "error": ({"type"}, {"message"}, []),
    "skipped": (set(), {"type", "message"}, []),
    "system-out": (set(), set(), []),
    "system-err": (set(), set(), []),
}


def breaches(element: ET.Element) -> list[str]:
    """Where an element and what it holds leave the schema."""
    required, optional, children = SCHEMA[element.tag]
    found = [f"{element.tag} lacks {name}" for name in required - set(element.attrib)]
    found += [f"{element.tag} has {name}" for name in set(element.attrib) - required - optional]
    found += [
        f"{element.tag}: {name} has blanks around it" for name, value in element.items() if value != value.strip()
    ]
    order = [children.index(child.tag) if child.tag in children else -1 for child in element]
    if -1 in order or order != sorted(order):
        found.append(f"{element.tag} holds {[child.tag for child in element]}")
    if element.tag == "testcase" and len(element) > 1:
        found.append("a testcase has two results")
    return found + [breach for child in element for breach in breaches(child)]


def suite(made: dict[str, Any]) -> ET.Element:
    root = ET.fromstring(junit(made))
    assert len(root) == 1
    return root[0]


def result(made: dict[str, Any], name: str) -> tuple[str, str | None]:
    case = next(case for case in suite(made).iter("testcase") if case.get("name") == name)
    return (case[0].tag, case[0].get("message")) if len(case) else ("passed", None)


@pytest.mark.parametrize("make", ALL)
def test_it_fits_the_schemas_in_use_and_counts_right(make: Callable[[], dict[str, Any]]) -> None:
    made = suite(make())
    assert breaches(ET.fromstring(junit(make()))) == []
    assert made.get("timestamp") == "2026-11-25T12:53:58"
    cases = list(made.iter("testcase"))
    names = [case.get("name") for case in cases]
    assert len(set(names)) == len(names) == int(made.attrib["tests"])
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(list(made.iter(tag))) == int(made.attrib[attribute])


def test_a_good_release_has_no_failure_and_skips_what_it_could_not_decide() -> None:
    made = reports.good()
    assert [element.tag for element in suite(made).iter() if element.tag in ("failure", "error")] == []
    assert result(made, "the release passes") == ("passed", None)
    assert result(made, "no request failed") == ("passed", None)
    tag, message = result(made, "alarm ServiceAlarmsGreenErrorsAgainstBlue0A1B2C3D stayed quiet")
    assert (tag, message) == (
        "skipped",
        "not exercised: it needs 200 requests a period in both groups, and gets 90 at this speed",
    )
    assert result(made, "latency, green against blue, p99, is decidable here")[0] == "skipped"


def test_a_bad_release_fails_by_each_claim_that_it_breaks() -> None:
    made = reports.bad()
    failed = made["incidents"]["failed"]
    assert result(made, "no request failed") == ("failure", f"{failed} of 10,200 requests failed")
    assert result(made, "no row diverged") == ("passed", None)
    assert result(made, "the deployment went to its end") == (
        "failure",
        "it was rolled back by alarm ServiceAlarmsGreen5xxRate0A1B2C3D",
    )
    assert result(made, "alarm ServiceAlarmsGreen5xxRate0A1B2C3D stayed quiet") == ("failure", "it fired")


def test_a_machine_at_fault_is_an_error_and_blames_no_release() -> None:
    made = reports.machine(requests={"total": 10, "failed": 3, "by_colour": {"blue": 5, "green": 5}})
    assert [element.tag for element in suite(made).iter("failure")] == []
    assert result(made, "the machine carried the load")[0] == "error"
    assert result(made, "the release passes")[0] == "skipped"
    assert result(made, "no request failed") == (
        "skipped",
        "not decided, for the machine was at fault: 3 of 10 requests failed",
    )


def test_a_release_that_passes_on_a_machine_at_its_limit_has_passed() -> None:
    made = reports.good(machine=reports.machine()["machine"])
    assert result(made, "the release passes") == ("passed", None)
    assert result(made, "the machine carried the load")[0] == "skipped"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"requests": {"total": 0, "failed": 0, "by_colour": {"blue": 0, "green": 0}}}, "no request failed"),
        ({"data": {"rows_checked": 0, "divergent": 0, "rows_lost": 0, "divergent_keys": []}}, "no row diverged"),
        ({"data": {"rows_checked": 5, "divergent": 1, "rows_lost": 0, "divergent_keys": ["7"]}}, "no row diverged"),
        ({"data": {"rows_checked": 5, "divergent": 0, "rows_lost": 2, "divergent_keys": []}}, "no row was lost"),
        ({"outcome": {"kind": "stops", "why": "by alarm X"}}, "the deployment went to its end"),
        (
            {"smoke": [{"name": "read", "status": 500, "duration_ms": 3.0, "problem": "status 500"}]},
            "the smoke test passed",
        ),
    ],
)
def test_nothing_sent_and_nothing_compared_proves_nothing(changes: dict[str, Any], name: str) -> None:
    assert result(reports.good(verdict="fail", at_fault="release", **changes), name)[0] == "failure"


def test_a_machine_that_nothing_was_measured_on_is_not_blamed() -> None:
    made = reports.good()
    made["machine"] |= {"cpu_percent": {}, "send_lag_ms": {}}
    assert next(claim.text for claim in claims(made) if claim.of_machine) == "nothing was sent"


def test_a_drill_is_a_case_and_chance_is_no_failure() -> None:
    made = reports.drills()
    assert result(made, "drill none") == ("passed", None)
    assert result(made, "drill errors-1") == (
        "skipped",
        "undecided: P(rolled back): 31 %; 4000 simulated releases at 300 requests/s and speed 60; outcome: completes",
    )
    assert result(made, "drill sticky")[0] == "skipped"
    assert result(made, "drill leak-in-bake")[0] == "failure"


def test_what_xml_cannot_hold_is_left_out() -> None:
    made = reports.bad(reasons=["a task's last lines: \x1b[31mred\x00 & <b>\ufffe"])
    assert result(made, "the release passes") == ("failure", "a task's last lines: [31mred & <b>")


def test_the_summary_says_the_verdict_the_claims_and_how_to_repeat_it() -> None:
    text = summary(reports.bad())
    assert text.startswith("## ❌ Drill errors-5: this release was rolled back\n")
    assert "| ❌ | no request failed | " in text
    assert "| ⚪ | alarm ServiceAlarmsGreenErrorsAgainstBlue0A1B2C3D stayed quiet | not exercised: " in text
    assert "| ✅ | alarms that may stop the deployment | 2 stayed quiet |" in text
    assert "- 0 failed, 30 slow: waited for a lock of the migration's revision 0002\n" in text
    assert "| 0003, expand | 7.61 s | 0.4 ms | 1,000,208 |" in text
    assert "### What to do" in text
    assert text.endswith(f"```\n{reports.bad()['repeat']}\n```\n")


def test_a_good_summary_is_short_and_folds_the_rest() -> None:
    text = summary(reports.good())
    assert text.startswith("## ✅ This release passed\n")
    assert "### Failed and slow requests" not in text
    assert "### What to do" not in text
    assert "<details><summary>What this does not prove: 3 things</summary>" in text


def test_the_drills_summary_is_their_table() -> None:
    text = summary(reports.drills())
    assert text.startswith("## ❌ 3 of 4 drills came out as expected\n")
    assert "| ❌ | leak-in-bake | \\> 99.9 % | rolls-back | completes | 2,210 | 0 |" in text


@pytest.mark.parametrize("make", ALL)
def test_every_table_of_a_summary_is_whole(make: Callable[[], dict[str, Any]]) -> None:
    made = make()
    made["reasons"] = ["a | b\n# no heading `code` <b>"]
    text = summary(made)
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert tables
    for lines in tables:
        assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}
    assert "- a \\| b \\# no heading \\`code\\` \\<b\\>" in text


def test_the_claims_agree_with_the_verdict() -> None:
    for make in (reports.good, reports.bad, reports.drills):
        made = make()
        broken = [claim for claim in claims(made) if claim.answer == "broken"]
        assert bool(broken) is (made["verdict"] == "fail")


def test_all_files_are_written_and_no_draft_stays(tmp_path: Path) -> None:
    json_path, page_path = report.write(reports.good(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junit.xml", "report.html", "report.json", "summary.md"]
    assert json_path == tmp_path / "report.json"
    assert page_path == tmp_path / "report.html"
