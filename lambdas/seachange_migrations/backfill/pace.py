"""How fast a backfill goes: how many rows a transaction takes, and how long it rests after it.

A writer that wants a row of the batch waits for the batch's commit, so the time of a transaction bounds the stall; the rest
between two leaves processor, disk and log to the others.
"""

from dataclasses import dataclass

from seachange_migrations.running import ProfileName

LEAST_ROWS = 50
MOST_ROWS = 5_000
MOST_ROWS_READ = 20_000
"""A page in which nothing is to be written locks nothing; it may be larger."""
FIRST_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A choice between speed and quiet.

    Args:
        target_s: What a transaction should take, in seconds.
        duty: The share of the time in which it works; it rests in between.
        sessions: On how many sessions at once it fills a large table.
        wal_bytes_per_s: Where the server's log grows faster, from whatever cause, the backfill pauses.
        lag_bytes, lag_s: How far a replica may lag before it pauses.
        maintenance_patience_s: How long it leaves the table to one vacuum. On a large table a vacuum may take hours.
    """

    target_s: float
    duty: float
    sessions: int
    wal_bytes_per_s: float
    lag_bytes: float
    lag_s: float
    maintenance_patience_s: float


# A batch that takes part in a sync does half as much again as a plain UPDATE, and a whole scan follows: gentle may rest no more
# than this to reach a quarter of a plain UPDATE's rate.
PROFILES: dict[ProfileName, Profile] = {
    "gentle": Profile(
        target_s=0.025,
        duty=0.75,
        sessions=1,
        wal_bytes_per_s=64e6,
        lag_bytes=64e6,
        lag_s=10.0,
        maintenance_patience_s=5.0,
    ),
    "fast": Profile(
        target_s=0.050,
        duty=1.0,
        sessions=2,
        wal_bytes_per_s=256e6,
        lag_bytes=256e6,
        lag_s=60.0,
        maintenance_patience_s=1.0,
    ),
}


class Pace:
    """Adapts to what the last transactions took, up to `most` rows."""

    def __init__(self, profile: Profile, most: int) -> None:
        self._profile = profile
        self._most = most
        self.rows = FIRST_ROWS

    def took(self, seconds: float, rows: int) -> float:
        """Learns that a transaction of `rows` took `seconds`; returns how long to rest."""
        if rows >= self.rows:  # the last of a range is shorter and says little
            # At most half, at most twice: one slow commit is no reason to crawl.
            factor = min(2.0, max(0.5, self._profile.target_s / max(seconds, 1e-6)))
            self._set(self.rows * factor)
        return seconds * (1 / self._profile.duty - 1)

    def give_way(self) -> None:
        """Somebody waited: the next transaction is shorter."""
        self._set(self.rows / 2)

    def _set(self, rows: float) -> None:
        self.rows = int(min(self._most, max(LEAST_ROWS, rows)))
