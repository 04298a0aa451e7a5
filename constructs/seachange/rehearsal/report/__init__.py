"""A rehearsal's report, rendered from its data alone: a page for people, JUnit XML for CI, Markdown for a pull request.

Each takes what `report.json` holds (docs/guide/report.md) and returns text; `write` puts all of them beside each other.
"""

from seachange.rehearsal.report.files import write
from seachange.rehearsal.report.junit import junit
from seachange.rehearsal.report.page import page
from seachange.rehearsal.report.summary import summary

__all__ = ["junit", "page", "summary", "write"]
