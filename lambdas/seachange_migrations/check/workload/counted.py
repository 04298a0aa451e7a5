"""What pg_stat_statements counted."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from seachange_migrations.check.scratch import ScratchError
from seachange_migrations.check.workload.kinds import usable
from seachange_migrations.check.workload.model import Unknown, WorkloadStatement
from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import one_line

WHERE = "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"
MAY_READ = "SELECT pg_has_role('pg_read_all_stats', 'USAGE')"
# Without the texts, which the server reads from a file.
CALLS = "SELECT userid, queryid, calls FROM {schema}.pg_stat_statements(false) WHERE dbid = {database} AND toplevel"
STATEMENTS = """
SELECT s.userid, s.queryid, s.calls, r.rolname, s.query, r.rolsuper
FROM {schema}.pg_stat_statements(true) s JOIN pg_roles r ON r.oid = s.userid
WHERE s.dbid = {database} AND s.toplevel ORDER BY s.calls DESC
"""
DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
SINCE = "SELECT to_char(stats_reset, 'YYYY-MM-DD HH24:MI') FROM {schema}.pg_stat_statements_info"


@dataclass(frozen=True, kw_only=True)
class Counted:
    statements: tuple[WorkloadStatement, ...]
    origin: str
    unknown: tuple[Unknown, ...]


def counted(settings: ConnectionSettings, *, roles: Sequence[str], interval_s: float) -> Counted:
    """The statements whose `calls` grow within `interval_s` seconds; in a quiet database all that were ever counted.

    Raises ScratchError when the statistics are not there or may not be read.
    """
    with connect(settings) as connection:
        connection.execute("SET statement_timeout = '10s'")
        found = connection.execute(WHERE.encode()).fetchone()
        if found is None:
            raise ScratchError(
                f"database {settings.database!r} has no extension pg_stat_statements: CREATE EXTENSION pg_stat_statements"
            )
        may_read = connection.execute(MAY_READ).fetchone()
        if not may_read or not may_read[0]:
            raise ScratchError(
                f"role {settings.user!r} may not read what others execute: GRANT pg_read_all_stats TO {settings.user}"
            )
        schema = sql.Identifier(found[0])
        try:
            return _counted(connection, schema, settings.user, roles, interval_s)
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            raise ScratchError(f"the server counts no statements: {one_line(error, 200)}") from error


def _counted(
    connection: psycopg.Connection, schema: sql.Identifier, own: str, roles: Sequence[str], interval_s: float
) -> Counted:
    def query(text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=schema, database=sql.SQL(DATABASE))

    before = {(user, number): calls for user, number, calls in connection.execute(query(CALLS))}
    time.sleep(interval_s)
    rows = connection.execute(query(STATEMENTS)).fetchall()
    grown = [row for row in rows if row[2] != before.get((row[0], row[1]), 0)]
    # Superusers are the server's own administrators. What the migrating role once executed are migrations, unless it is the
    # service's too.
    others = {row[3] for row in rows if not row[5]} - {own}
    wanted = _of(grown, roles or [*others, own])
    origin = f"the statements that were executed within {interval_s:g} s"
    if not any(usable(row[4] or "") for row in wanted):
        wanted = _of(rows, roles or [*others] or [own])
        since = connection.execute(query(SINCE)).fetchone()
        origin = (
            f"all statements since the statistics began, {since[0] if since else 'nobody knows when'}, as none was executed "
            f"within {interval_s:g} s"
        )
    hidden = [row for row in wanted if row[4] in (None, "<insufficient privilege>")]
    return Counted(
        statements=tuple(WorkloadStatement(sql=row[4], role=row[3]) for row in wanted if row not in hidden),
        origin=origin,
        unknown=tuple(Unknown(sql="", role=row[3], reason="its text may not be read") for row in hidden),
    )


def _of(rows: Sequence[tuple[Any, ...]], roles: Sequence[str]) -> list[tuple[Any, ...]]:
    return [row for row in rows if row[3] in roles]
