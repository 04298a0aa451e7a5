"""A revision fails with any database.

A question that autogenerate left in it is not answered, or its Python names or imports what is not there. The deployment stops at
it, with the revisions before it applied.

Source: [Alembic, autogenerate](https://alembic.sqlalchemy.org/en/latest/autogenerate.html)
"""

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.rule import Hit

VERDICT = Verdict.DATA


def hit(problem: str, *, question: bool) -> Hit:
    """For a revision that raised `problem`, which is a question of autogenerate's or an error of Python's."""
    if question:
        return Hit(
            f"holds a question that nobody has answered: {problem.rstrip('.?')}{'?' if problem.endswith('?') else '.'}",
            "Decide, write the statements, and delete the line that raises; the comment above it says how.",
        )
    return Hit(f"fails: {problem.rstrip('.')}.", "Correct the Python: it fails so with a database too.")
