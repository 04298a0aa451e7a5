"""The table of all drills: what was expected of each, and what came of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from seachange.rehearsal.report.claims import Claim
from seachange.rehearsal.report.words import chance

SCHEMA = "seachange.drills/1"


def drill_claims(report: Mapping[str, Any]) -> Iterator[Claim]:
    """A claim per drill; one whose outcome is left to chance is open."""
    for drill in report["drills"]:
        if drill["as_expected"] is None:
            text = f"undecided: the alarms catch this with P = {chance(drill['probability'])}; this time {drill['outcome']}"
            yield Claim(name=f"drill {drill['name']}", answer="open", text=text)
        else:
            text = f"expected {drill['expected']}, came to {drill['outcome']}"
            yield Claim(name=f"drill {drill['name']}", answer="holds" if drill["as_expected"] else "broken", text=text)
