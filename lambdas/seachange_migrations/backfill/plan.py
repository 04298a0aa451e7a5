"""What a backfill is going to cost, before it begins: by the catalog and the statistics, so an estimate.

Measured on PostgreSQL 18: filling new columns wrote 290 to 600 bytes of log a row beside what three more indexes double, and
left the table 1.8 to 2.1 times as large, for no update of it is a heap-only one.
"""

from sqlalchemy import Connection, text

from seachange_migrations.backfill.spec import Backfill, BackfillPlan
from seachange_migrations.backfill.table import Table
from seachange_migrations.backfill.triggers import users_triggers

# A new row version: its bytes and header, the lock before it, and the first touch of its page after a checkpoint.
LOG_OVERHEAD = 200
# An entry in each index: key, place and header, in the log with its own record.
INDEX_ENTRY = 40
INDEX_LOG = 90

# The size is the catalog's: to ask the file system takes a lock, for which others may make us wait. A table that was never
# analyzed has a count of what was inserted, and no size; then a row is taken for a common one.
COMMON_ROW = 128
SIZE = f"""
SELECT coalesce(sum(counted), 0)::bigint, coalesce(sum(CASE WHEN pages > 0 THEN pages * 8192 ELSE counted * {COMMON_ROW} END), 0)::bigint,
    coalesce(max(indexes), 0)
FROM (
    SELECT greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0) AS counted, c.relpages AS pages,
        (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid) AS indexes
    FROM pg_class AS c
    WHERE c.relkind = 'r'
        AND c.oid IN (SELECT CAST(:oid AS oid) UNION SELECT relid FROM pg_partition_tree(CAST(:oid AS oid)) WHERE isleaf)
) AS leaf
"""
REPLICAS = """
SELECT coalesce(nullif(application_name, ''), client_addr::text, 'pid ' || pid) FROM pg_stat_replication
WHERE state <> 'backup' ORDER BY 1
"""
SLOTS = "SELECT slot_name::text FROM pg_replication_slots WHERE NOT active ORDER BY 1"


def estimate(connection: Connection, backfill: Backfill) -> BackfillPlan:
    """What `backfill` is going to do and to cost. Raises RefusedError or NoKeyError where it could not run."""
    table = Table.read(connection, backfill.schema, backfill.table)
    rows, size, indexes = connection.execute(text(SIZE), {"oid": table.oid}).one()
    row_bytes = size / rows if rows else 0.0
    growth = rows * (row_bytes + indexes * INDEX_ENTRY)
    log = rows * (row_bytes + LOG_OVERHEAD + indexes * INDEX_LOG)
    return BackfillPlan(
        name=backfill.name,
        table=table.shown,
        key=table.key_names,
        rows=rows,
        wal_bytes=round(log),
        growth_bytes=round(growth),
        triggers=users_triggers(connection, backfill, table),
        replicas=tuple(connection.scalars(text(REPLICAS))),
        slots=tuple(connection.scalars(text(SLOTS))),
    )
