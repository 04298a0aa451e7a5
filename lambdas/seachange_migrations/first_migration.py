"""The first migration of an empty database, which runs both phases, and must still do so when it takes more than one
call.

Nothing is served from a database before its first migration has finished. A comment on the version table, set with the
first revision and removed after the last, tells a repeated call that it goes on with the first migration.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

MARK = "seachange: the first migration of this database has not finished"


def is_unfinished(connection: Connection, heads: Sequence[str], version_table: str) -> bool:
    """Whether the database is empty (it has no revision), or its first migration has not finished."""
    if not heads:
        return True
    comment = connection.scalar(text("SELECT obj_description(to_regclass(:name), 'pg_class')"), {"name": version_table})
    connection.rollback()
    return bool(comment == MARK)


def finish(connection: Connection, version_table: str) -> None:
    """Removes the mark."""
    exists = connection.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": version_table})
    if exists:
        connection.exec_driver_sql(f"COMMENT ON TABLE {version_table} IS NULL")
    connection.commit()
