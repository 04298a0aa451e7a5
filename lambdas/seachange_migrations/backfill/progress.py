"""What a backfill tells while it runs.

At most one event a second, and one when its pause begins or its reason changes::

    {"event": "backfill", "name": str, "table": str, "range": int, "ranges": int, "pass": int, "rows": int, "estimated": int,
     "written": int, "rows_per_s": float, "seconds_left": float | None, "batch_rows": int, "paused": str | None}

`rows` of about `estimated` are done in this pass; pass 1 fills, a later one looks for what it could not take and proves that
nothing is left. `seconds_left` is the pass's at the present rate, None while it stands. At the end, once the proof is there::

    {"event": "backfilled", "name": str, "table": str, "written": int, "seconds": float}

Before it, where a second session was wanted and could not be had::

    {"event": "backfill_alone", "name": str, "why": str}
"""

import time
from collections import deque

from seachange_migrations.report import OnProgress

EVERY_S = 1.0
RATE_OVER_S = 10.0


class Progress:
    """Counts the rows of one range, and tells."""

    def __init__(
        self, on_progress: OnProgress, *, name: str, table: str, number: int, ranges: int, estimated: int
    ) -> None:
        self._on_progress = on_progress
        self._fixed = {"event": "backfill", "name": name, "table": table, "range": number, "ranges": ranges}
        self._estimated = estimated
        self._told_at = -EVERY_S
        self._paused: str | None = None
        self._marks: deque[tuple[float, int]] = deque()
        self.started = time.monotonic()
        self.written = 0

    def rate(self, seen: int) -> float:
        """Rows a second over the last ten, of the pass that has now `seen` that many."""
        now = time.monotonic()
        if self._marks and self._marks[-1][1] > seen:
            self._marks.clear()  # another pass has begun
        self._marks.append((now, seen))
        while now - self._marks[0][0] > RATE_OVER_S:
            self._marks.popleft()
        (since, before), elapsed = self._marks[0], now - self._marks[0][0]
        return (seen - before) / elapsed if elapsed > 0 and since < now else 0.0

    def tell(self, *, passes: int, seen: int, rate: float, batch_rows: int, paused: str | None = None) -> None:
        """Tells where the backfill is, unless it did a moment ago."""
        now = time.monotonic()
        if now - self._told_at < EVERY_S and paused == self._paused:
            return
        self._told_at, self._paused = now, paused
        left = max(0, self._estimated - seen)
        self._on_progress(
            {
                **self._fixed,
                "pass": passes + 1,
                "rows": seen,
                "estimated": max(self._estimated, seen),
                "written": self.written,
                "rows_per_s": round(rate, 1),
                "seconds_left": round(left / rate, 1) if rate > 0 and not paused else None,
                "batch_rows": batch_rows,
                "paused": paused,
            }
        )
