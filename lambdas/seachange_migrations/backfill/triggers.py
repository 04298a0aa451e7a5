"""The triggers of others that a backfill sets off: `updated_at`, audit and the like fire for each row that it writes."""

from sqlalchemy import Connection, text

from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.table import Table

OWN = "~seachange_"
"""How the names of our own triggers begin."""

TRIGGERS = """
SELECT DISTINCT format('%I.%I', n.nspname, c.relname) || ': trigger ' || quote_ident(t.tgname)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A') AND t.tgtype::int & 1 = 1 AND t.tgtype::int & 16 = 16
    AND NOT starts_with(t.tgname, :own)
    AND (t.tgattr = ''::int2vector OR EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr) AND a.attname::text = ANY (CAST(:assigned AS text[]))))
    AND t.tgrelid IN (SELECT CAST(:oid AS oid) UNION SELECT relid FROM pg_partition_tree(CAST(:oid AS oid)))
ORDER BY 1
"""


def users_triggers(connection: Connection, backfill: Backfill, table: Table) -> tuple[str, ...]:
    """The table and name of each trigger of others that fires for a row, those of its partitions included."""
    parameters = {"oid": table.oid, "own": OWN, "assigned": list(backfill.assignments)}
    return tuple(connection.scalars(text(TRIGGERS), parameters))
