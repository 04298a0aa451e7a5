"""One transaction locks several busy tables against everybody.

While it waits for the second lock it holds the first, so that traffic on that one stops too; and against a transaction that takes
the two in the other order it deadlocks.

Source: [Explicit locking, Deadlocks](https://www.postgresql.org/docs/current/explicit-locking.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar, exclusively_locked

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    held = so_far.transaction.locked
    further = {table for table in exclusively_locked(statement) if not so_far.is_new(table)} - held
    # Told once, where the second table joins the first.
    if further and len(held) < 2 <= len(held | further):
        first, *others = sorted(map(str, held)) + sorted(map(str, further))
        yield Hit(
            f"locks {', '.join(others)} as well while {first} is still locked.",
            "Give each table a revision of its own: the engine commits after each.",
        )
