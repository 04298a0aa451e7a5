"""The text that a revision executes is not SQL that PostgreSQL's parser takes.

It may be a placeholder that Python fills at run time, the syntax of another database, or a newer PostgreSQL's.

Source: [SQL syntax](https://www.postgresql.org/docs/current/sql-syntax.html)
"""

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.rule import Hit

VERDICT = Verdict.UNKNOWN


def hit(message: str) -> Hit:
    """For a text that the parser refuses with `message`."""
    return Hit(
        f"executes what PostgreSQL's parser does not take ({message}).",
        "Write it in PostgreSQL's syntax; bind values with sa.text(…).bindparams(…).",
    )
