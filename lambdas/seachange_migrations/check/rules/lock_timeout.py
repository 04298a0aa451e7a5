"""The bound on waiting for locks is lifted.

The engine sets `lock_timeout` to 2 s at each BEGIN. Without it a statement that waits behind one long query makes all others wait
behind itself, reads included. RESET ALL takes it away too.

Source: [lock_timeout](https://www.postgresql.org/docs/current/runtime-config-client.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.settings import EVERY, setting
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD
UNITS_MS = {"": 1.0, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0, "us": 0.001}
LONGEST_MS = 2000


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    found = setting(statement)
    if found and found.name in {"lock_timeout", EVERY} and not 0 < _milliseconds(found.value) <= LONGEST_MS:
        yield Hit(
            f"sets lock_timeout to {found.value or 'its default, which is none'}.",
            "Leave it out: the engine bounds the wait, tries again, and says who blocks.",
        )


def _milliseconds(value: str) -> float:
    number = value.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    try:
        return float(number) * UNITS_MS[value.strip()[len(number) :].strip()]
    except (ValueError, KeyError):
        return 0
