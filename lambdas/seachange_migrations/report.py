"""What a migration tells: its progress while it runs, and a report at its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

OnProgress = Callable[[Mapping[str, object]], None]
"""Called with one JSON-able mapping per step; its key `event` says what happened."""


def silent(_: Mapping[str, object]) -> None:
    """Progress that nobody follows."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a migration did. `before` and `after` are the database's revisions; `lock_wait_ms` is the longest wait for a
    lock, sampled.

    `version_table` is the quoted, maybe qualified name of Alembic's own table.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    revisions: tuple[str, ...]
    duration_s: float
    lock_wait_ms: float
    rows_backfilled: int
    version_table: str

    @classmethod
    def nothing(cls, revisions: Sequence[str]) -> Self:
        """The report of a database that is left at `revisions`."""
        at = tuple(revisions)
        return cls(
            before=at, after=at, revisions=(), duration_s=0.0, lock_wait_ms=0.0, rows_backfilled=0, version_table=""
        )

    def attributes(self) -> dict[str, str]:
        """The report as CloudFormation attributes: strings that together fit its limit of 4096 bytes."""
        return {
            "From": _listed(self.before),
            "To": _listed(self.after),
            "Revisions": _listed(self.revisions),
            "DurationSeconds": f"{self.duration_s:.1f}",
            "MaxLockWaitMilliseconds": f"{self.lock_wait_ms:.0f}",
            "RowsBackfilled": str(self.rows_backfilled),
        }


def _listed(revisions: Sequence[str], limit: int = 500) -> str:
    text = ",".join(revisions)
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}… ({len(revisions)} revisions, the last {revisions[-1]})"
