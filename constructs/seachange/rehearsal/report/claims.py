"""What a rehearsal claims of a release, each claim with its answer: the cases of the JUnit file and the lines of the summary."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Answer = Literal["holds", "broken", "open"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes:
        name: The claim as a sentence, the same in every rehearsal.
        answer: `open` when this rehearsal cannot tell.
        text: What was found, or why it cannot tell.
    """

    name: str
    answer: Answer
    text: str


def claims(report: Mapping[str, Any]) -> Iterator[Claim]:
    """Every claim, in the order in which people ask."""
    requests, data = report["requests"], report["data"]
    yield Claim(
        name="no request failed",
        answer="holds" if requests["total"] and not requests["failed"] else "broken",
        text=f"{requests['failed']:,} of {requests['total']:,} requests failed",
    )
    yield Claim(
        name="no row diverged",
        answer="holds" if data["rows_checked"] and not data["divergent"] else "broken",
        text=f"{data['divergent']:,} of {data['rows_checked']:,} rows differ between blue's and green's view",
    )
    yield Claim(
        name="the deployment was not rolled back",
        answer="broken" if report["rolled_back"] else "holds",
        text="traffic went back to blue" if report["rolled_back"] else "traffic stayed where the plan put it",
    )
