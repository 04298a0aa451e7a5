"""The first migration of an empty database, which runs both phases, and must still do so when it takes more than one
call.

Nothing is served from a database before its first migration has finished. A comment on the version table, set with the
first revision and removed after the last, tells a repeated call that it goes on with the first migration. A database
without a revision that holds tables may be serving already: it gets no more than any other.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

MARK = "seachange: the first migration of this database has not finished"

# What people or applications made: not an extension's, not the engine's own.
TABLES = """
SELECT format('%s.%s', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'm') AND c.relpersistence <> 't' AND NOT c.relispartition
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'seachange') AND n.nspname NOT LIKE 'pg\\_toast%'
    AND c.oid IS DISTINCT FROM to_regclass(:version_table)
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 LIMIT 3
"""


def is_unfinished(connection: Connection, heads: Sequence[str], version_table: str) -> bool:
    """Whether the database is empty, or its first migration has not finished."""
    comment = connection.scalar(text("SELECT obj_description(to_regclass(:name), 'pg_class')"), {"name": version_table})
    connection.rollback()
    return bool(comment == MARK) or (not heads and not tables(connection, version_table))


def tables(connection: Connection, version_table: str) -> tuple[str, ...]:
    """Some of the tables that the database holds beside the version table."""
    found = connection.scalars(text(TABLES), {"version_table": version_table}).all()
    connection.rollback()
    return tuple(found)


def finish(connection: Connection, version_table: str) -> None:
    """Removes the mark."""
    exists = connection.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": version_table})
    if exists:
        connection.exec_driver_sql(f"COMMENT ON TABLE {version_table} IS NULL")
    connection.commit()
