"""The guide's table of costs is what the templates hold."""

from pathlib import Path

import pytest

from tests.judges.costs import table

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/costs.md"


@pytest.mark.slow
def test_the_guide_counts_what_the_templates_hold() -> None:
    missing = [line for line in table() if line not in GUIDE.read_text("utf-8").splitlines()]
    assert missing == [], "write what `python -m tests.judges.costs` prints into docs/guide/costs.md"
