"""What a sync means for others on the table: who may read the new columns, whose triggers do not fire."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from seachange_migrations.sql import quoted, quoted_all
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.table import Table

# The new columns hold what the old ones hold: who may do it there, may do it here. Grants on the table cover both.
GRANTS = """
SELECT g.privilege_type, coalesce(quote_ident(r.rolname), 'PUBLIC') FROM pg_attribute AS a
CROSS JOIN LATERAL aclexplode(a.attacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee
WHERE a.attrelid = :oid AND a.attname = ANY (:old) GROUP BY 1, 2 HAVING count(DISTINCT a.attnum) = :number ORDER BY 1, 2
"""

# A column list counts the columns that the statement names, not those that our trigger derives.
COLUMN_TRIGGERS = """
SELECT t.tgname::text FROM pg_trigger AS t JOIN pg_attribute AS a ON a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])
WHERE t.tgrelid = :oid AND NOT t.tgisinternal GROUP BY t.tgname
HAVING bool_or(a.attname = ANY (:derived)) AND NOT bool_or(a.attname = ANY (:written)) ORDER BY t.tgname
"""


def column_grants(connection: Connection, sync: Sync) -> list[str]:
    """Statements that give the new columns to the roles that were given all the old ones, column by column."""
    old = [column.name for column in sync.old]
    found = connection.execute(text(GRANTS), {"oid": sync.table.oid, "old": old, "number": len(old)}).all()
    new = quoted_all(column.name for column in sync.new)
    return [f"GRANT {privilege} ({new}) ON {sync.table.qualified} TO {role}" for privilege, role in found]


def silent_triggers(connection: Connection, table: Table, old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The user's triggers for UPDATE OF columns of one side alone: they do not fire when the other is written and this one derived."""
    found = []
    for derived, written, side in ((old, new, "an old"), (new, old, "a new")):
        asked = {"oid": table.oid, "derived": list(derived), "written": list(written)}
        names = connection.scalars(text(COLUMN_TRIGGERS), asked).all()
        found += [f"{quoted(name)} on {table.shown}, for UPDATE OF {side} column" for name in names]
    return found
