"""What a sync means for others on the table: who may read the new columns, whose triggers do not fire."""

from sqlalchemy import Connection, text

from seachange_migrations.sync.names import quoted, quoted_all
from seachange_migrations.sync.spec import Sync

# The new columns hold what the old ones hold: who may do it there, may do it here. Grants on the table cover both.
GRANTS = """
SELECT g.privilege_type, coalesce(quote_ident(r.rolname), 'PUBLIC') FROM pg_attribute AS a
CROSS JOIN LATERAL aclexplode(a.attacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee
WHERE a.attrelid = :oid AND a.attname = ANY (:old) GROUP BY 1, 2 HAVING count(DISTINCT a.attnum) = :number ORDER BY 1, 2
"""

# A column list counts the columns that the statement names, not those that our trigger derives.
COLUMN_TRIGGERS = """
SELECT t.tgname::text FROM pg_trigger AS t JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])
WHERE t.tgrelid = :oid AND NOT t.tgisinternal AND a.attname = ANY (:old) GROUP BY t.tgname ORDER BY t.tgname
"""


def column_grants(connection: Connection, sync: Sync) -> list[str]:
    """Statements that give the new columns to the roles that were given all the old ones, column by column."""
    old = [column.name for column in sync.old]
    found = connection.execute(text(GRANTS), {"oid": sync.table.oid, "old": old, "number": len(old)}).all()
    new = quoted_all(column.name for column in sync.new)
    return [f"GRANT {privilege} ({new}) ON {sync.table.qualified} TO {role}" for privilege, role in found]


def silent_triggers(connection: Connection, sync: Sync) -> list[str]:
    """The user's triggers for UPDATE OF an old column: when the new release writes the new side, they do not fire."""
    old = [column.name for column in sync.old]
    found = connection.scalars(text(COLUMN_TRIGGERS), {"oid": sync.table.oid, "old": old}).all()
    return [f"{quoted(name)} on {sync.table.shown}, for UPDATE OF an old column" for name in found]
