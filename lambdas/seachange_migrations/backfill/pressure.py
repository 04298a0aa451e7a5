"""When a backfill pauses: each rule is a query and a judgement of what it read, which answers the reason or None.

What the role may not see, PostgreSQL shows as NULL, and a rule takes it for quiet: pg_monitor shows it all.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from seachange_migrations.backfill.pace import Profile
from seachange_migrations.backfill.spec import mib

LEAST_FREE_BYTES = 2 * 2**30
"""Free storage below which a backfill pauses, in bytes: a full disk stops every writer."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`query` reads one row, with the parameters :name (of the backfill) and :oid (of the table)."""

    query: str
    judge: Callable[[Row, Profile], str | None]


def asked_to(row: Row, _: Profile) -> str | None:
    """Somebody asked for it with `pause`."""
    return "asked to" if row["paused"] else None


def replica_lags(row: Row, profile: Profile) -> str | None:
    """A standby or subscriber is behind: readers there would see old rows, or the log would pile up here."""
    lag_bytes, lag_s = float(row["lag_bytes"] or 0), float(row["lag_s"] or 0)
    if lag_bytes > profile.lag_bytes:
        return f"replica {row['replica']} lags by {mib(lag_bytes)}"
    # After the last write an idle replica keeps the lag that it had.
    if lag_s > profile.lag_s and lag_bytes > 0:
        return f"replica {row['replica']} lags by {lag_s:.0f} s"
    return None


def table_is_maintained(row: Row, _: Profile) -> str | None:
    """A vacuum, automatic or not, or a concurrent index build works on the table: it ends sooner, and cleans more, alone."""
    return f"pid {row['pid']} ({row['worker']}) works on the table" if row["pid"] else None


def storage_is_low(row: Row, _: Profile) -> str | None:
    """A slot is about to lose what its reader needs. SQL does not tell the disk's free space: `Run.free_storage` does."""
    return f"slot {row['slot']} is about to lose log that its reader needs" if row["slot"] else None


ASKED_TO = Rule(query="SELECT paused FROM seachange.backfill WHERE name = :name", judge=asked_to)
REPLICA = Rule(
    query="""
        SELECT coalesce(nullif(application_name, ''), client_addr::text, 'pid ' || pid) AS replica,
            pg_wal_lsn_diff(pg_current_wal_lsn(), coalesce(replay_lsn, flush_lsn, write_lsn)) AS lag_bytes,
            extract(epoch FROM replay_lag) AS lag_s
        FROM pg_stat_replication WHERE state <> 'backup'
        ORDER BY lag_bytes DESC NULLS LAST LIMIT 1
    """,
    judge=replica_lags,
)
# Of another role's session pg_locks tells the pid, pg_stat_activity no more than that it is there.
MAINTENANCE = Rule(
    query="""
        SELECT l.pid, coalesce(a.backend_type, 'vacuum or the like') AS worker
        FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
        WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.relation IN (SELECT CAST(:oid AS oid) UNION ALL SELECT relid FROM pg_partition_tree(CAST(:oid AS oid)))
        LIMIT 1
    """,
    judge=table_is_maintained,
)
STORAGE = Rule(
    query="SELECT slot_name AS slot FROM pg_replication_slots WHERE wal_status = 'unreserved' LIMIT 1",
    judge=storage_is_low,
)


def log_grows_fast(bytes_per_s: float, profile: Profile) -> str | None:
    """The server writes more log than the profile allows, from whatever cause."""
    if bytes_per_s <= profile.wal_bytes_per_s:
        return None
    return f"the log grows by {mib(bytes_per_s)} a second"


def disk_is_full(free_bytes: float) -> str | None:
    """The storage that is left, as whoever runs the engine told it, is little."""
    return f"{mib(free_bytes)} of storage are left" if free_bytes < LEAST_FREE_BYTES else None


class Pressure:
    """Asks the rules between two batches. `free_storage` returns the bytes of storage that are left."""

    def __init__(
        self, connection: Connection, profile: Profile, *, name: str, oid: int, free_storage: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._parameters = {"name": name, "oid": oid}
        self._free_storage = free_storage
        self._log_from: tuple[float, float] | None = None
        self._maintained: dict[int, float] = {}

    def reason(self) -> str | None:
        """Why to pause now; None to go on."""
        found = (
            self._ask(ASKED_TO)
            or disk_is_full(self._free_storage())
            or self._ask(STORAGE)
            or self._ask(REPLICA)
            or self._maintenance()
        )
        return self._log() or found

    def _ask(self, rule: Rule) -> str | None:
        row = self._read(rule.query)
        return rule.judge(row, self._profile) if row is not None else None

    def _maintenance(self) -> str | None:
        """Patience with each worker is bounded; afterwards they work side by side."""
        row = self._read(MAINTENANCE.query)
        if row is None:
            self._maintained.clear()
            return None
        since = self._maintained.setdefault(row["pid"], time.monotonic())
        if time.monotonic() - since > self._profile.maintenance_patience_s:
            return None
        return MAINTENANCE.judge(row, self._profile)

    def _log(self) -> str | None:
        """The rate counts from where it was last found low, so that a pause lasts until the average is low again."""
        now = time.monotonic()
        at = float(self._connection.scalar(text("SELECT pg_current_wal_lsn() - '0/0'")) or 0)
        if self._log_from is None:
            self._log_from = (now, at)
            return None
        since, before = self._log_from
        found = log_grows_fast((at - before) / max(now - since, 1e-3), self._profile)
        if found is None:
            self._log_from = (now, at)
        return found

    def _read(self, query: str) -> Row | None:
        used = {name: value for name, value in self._parameters.items() if f":{name}" in query}
        found = self._connection.execute(text(query), used).mappings().one_or_none()
        return None if found is None else dict(found)
