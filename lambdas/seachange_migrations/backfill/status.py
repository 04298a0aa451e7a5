"""How far the backfills of a database are."""

from sqlalchemy import Connection, RowMapping

from seachange_migrations import state
from seachange_migrations.backfill.spec import BackfillStatus
from seachange_migrations.sql import verbatim

# A worker that is gone has no rate: the last batch of one that works is seconds old. Ranges are counted without the whole
# table's, which proves what they did, unless it is the only one.
STATUS = """
SELECT b.name, b.revision, format('%s.%s', b.spec ->> 'schema', b.spec ->> 'table') AS table,
    coalesce(r.rows_done, 0)::bigint AS rows_done, b.rows_estimated,
    coalesce(r.ranges, 1) AS ranges, coalesce(r.ranges_finished, 0) AS ranges_finished,
    r.rate, (b.rows_estimated - coalesce(r.seen, 0))::float AS rows_left, b.paused, b.proven_at IS NOT NULL AS proven
FROM seachange.backfill AS b
LEFT JOIN LATERAL (
    SELECT sum(rows_done) AS rows_done,
        greatest(count(*) FILTER (WHERE number > 0), 1) AS ranges,
        CASE WHEN bool_or(number > 0) THEN count(*) FILTER (WHERE number > 0 AND finished)
             ELSE count(*) FILTER (WHERE finished) END AS ranges_finished,
        sum(rows_per_s) FILTER (WHERE updated_at > clock_timestamp() - interval '10 s' AND NOT finished) AS rate,
        sum(seen_in_pass) AS seen
    FROM seachange.backfill_range WHERE backfill = b.name
) AS r ON true
ORDER BY b.started_at, b.name
"""


def status(connection: Connection) -> list[BackfillStatus]:
    """All backfills that the database knows of, in the order in which they began; none where the engine never was."""
    if not state.exists(connection):
        return []
    found = connection.execute(verbatim(STATUS), execution_options=state.OWN).mappings()
    return [_status(row) for row in found]


def _status(row: RowMapping) -> BackfillStatus:
    rate, proven = row["rate"] or None, row["proven"]
    return BackfillStatus(
        name=row["name"],
        revision=row["revision"],
        table=row["table"],
        rows_done=row["rows_done"],
        rows_estimated=row["rows_estimated"],
        ranges=row["ranges"],
        ranges_finished=row["ranges_finished"],
        rate=None if proven else rate,
        seconds_left=None if proven or rate is None or row["paused"] else max(0.0, row["rows_left"]) / rate,
        paused=row["paused"],
        proven=proven,
    )
