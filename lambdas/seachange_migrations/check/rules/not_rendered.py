"""A revision reads the database before it decides what to execute, so its SQL cannot be known from its file.

What it emitted until then is judged; the rest is unknown, until a scratch database shows it.

Source: [Alembic, offline mode](https://alembic.sqlalchemy.org/en/latest/offline.html)
"""

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.rule import Hit

VERDICT = Verdict.UNKNOWN


def hit(problem: str, *, tried: bool) -> Hit:
    """For a revision that stopped with `problem` in offline mode; `tried`: a scratch database was asked, and could not show it."""
    return Hit(
        f"cannot be rendered without a database ({problem}), so what follows is not known.",
        "Say in SQL what the Python decides, or use an operation of ours"
        + ("." if tried else "; or let a scratch database show it: `seachange check --url …`."),
    )
