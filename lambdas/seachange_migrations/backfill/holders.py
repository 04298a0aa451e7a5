"""Who holds the rows that a backfill could not take."""

from sqlalchemy import Connection, text

from seachange_migrations.locks import QUERY_LENGTH, Blocker

# No view lists who locks which row. A row in use says in xmax whose transaction, unless several share it; else all that
# have the table open are named, the oldest first, for one of them it is.
OPEN = f"""
SELECT b.pid, coalesce(b.application_name, ''), coalesce(b.usename, ''),
       extract(epoch FROM clock_timestamp() - b.xact_start)::float, coalesce(left(b.query, {QUERY_LENGTH}), '')
FROM pg_stat_activity AS b
WHERE b.pid <> pg_backend_pid() AND b.pid IN (
    SELECT pid FROM pg_locks
    WHERE granted AND mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock')
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND relation IN (SELECT CAST(:oid AS oid) UNION ALL SELECT relid FROM pg_partition_tree(CAST(:oid AS oid))))
ORDER BY b.xact_start NULLS LAST LIMIT 3
"""


def holders(connection: Connection, oid: int) -> tuple[str, ...]:
    """In words, the at most three oldest transactions that may hold rows of the table `oid`, or itself."""
    return tuple(str(Blocker(*row)) for row in connection.execute(text(OPEN), {"oid": oid}))
