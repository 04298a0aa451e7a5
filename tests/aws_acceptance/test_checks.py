"""The list of checks against the pages of facts: each inferred line is checked, and each check names lines that exist."""

import re
from pathlib import Path

import pytest

from tools.aws_acceptance.checks import CHECKS
from tools.aws_acceptance.dry.scripts import SCRIPTS

FACTS = Path(__file__).parents[2] / "docs/facts"
PAGES = ("aws.md", "cloudwatch.md")
MARK = re.compile(r"\| inferred|is inferred\)|\(Inferred,")


def claims(page: str) -> list[str]:
    """The rows of the tables and the paragraphs, each in one line."""
    found: list[str] = []
    for block in (FACTS / page).read_text("utf-8").split("\n\n"):
        lines = block.splitlines()
        found += lines if block.startswith("|") else [" ".join(lines)]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_each_inferred_line_is_checked(page: str) -> None:
    inferred = [claim for claim in claims(page) if MARK.search(claim)]
    assert inferred
    words = [words for check in CHECKS for file, words in check.sources if file == page]
    assert [claim for claim in inferred if not any(one in claim for one in words)] == []


def test_each_check_names_lines_that_exist() -> None:
    for check in CHECKS:
        for page, words in check.sources:
            assert any(words in claim for claim in claims(page)), f"{check.id}: {words}"


def test_each_check_is_whole_and_scripted() -> None:
    ids = [check.id for check in CHECKS]
    assert len({*ids}) == len(ids)
    assert {*SCRIPTS} == {*ids}
    for check in CHECKS:
        assert check.minutes > 0
        assert check.decides.startswith("Confirmed: ")
        assert "Refuted: " in check.decides
