"""What pg_stat_statements counted."""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
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
SELECT s.userid, s.queryid, s.calls, r.rolname, s.query
FROM {schema}.pg_stat_statements(true) s JOIN pg_roles r ON r.oid = s.userid
WHERE s.dbid = {database} AND s.toplevel AND (NOT r.rolsuper OR r.rolname = ANY(%s)) ORDER BY s.calls DESC
"""
DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
SINCE = "SELECT to_char(stats_reset, 'YYYY-MM-DD HH24:MI') FROM {schema}.pg_stat_statements_info"
# As many are executed in a few seconds, those of older releases among them.
FEW = 200


@dataclass(frozen=True, kw_only=True)
class Counted:
    """`growing`: they are those that are executed now, and not all that were ever counted."""

    statements: tuple[WorkloadStatement, ...]
    origin: str
    unknown: tuple[Unknown, ...] = ()
    growing: bool = False


def counted(settings: ConnectionSettings, *, roles: Sequence[str], interval_s: float, own_serves: bool) -> Counted:
    """The statements of `roles`, by default of every role but superusers, that were counted in the database of `settings`.

    Only those whose `calls` grow within `interval_s` seconds where there are more than 200, or where the role of `settings`,
    whose statements may be migrations, may serve too (`own_serves`) and others do. Nothing grows in a quiet database: then all
    of the others', or else of the own. Raises ScratchError when the statistics are not there or may not be read.
    """
    own = settings.user
    with _statistics(settings) as statistics:
        rows = statistics.rows(roles)
        active = [row[3] for row in rows if _matters(row)]
        others = set(active) - {own}
        serving = set(roles) or others or {own}
        everything, quiet = _of(rows, serving), ""
        own_too = own_serves and not roles and own in active and bool(others)
        if own_too or sum(role in serving for role in active) > FEW:
            grown = _of(statistics.grown(interval_s, roles), {*serving, own} if own_too else serving)
            if any(map(_matters, grown)):
                return _counted(grown, f"the statements that were executed within {interval_s:g} s", growing=True)
            quiet = f", as none was executed within {interval_s:g} s"
        return _counted(everything, f"all statements since the statistics began, {statistics.since()}{quiet}")


def executed_within(settings: ConnectionSettings, interval_s: float, roles: Collection[str]) -> set[str]:
    """The texts of the statements of `roles` whose `calls` grow within `interval_s` seconds, if any schema matters to them."""
    with _statistics(settings) as statistics:
        return {row[4] for row in _of(statistics.grown(interval_s, tuple(roles)), roles) if _matters(row)}


class _Statistics:
    def __init__(self, connection: psycopg.Connection, schema: str) -> None:
        self._connection, self._schema = connection, sql.Identifier(schema)

    def rows(self, roles: Sequence[str]) -> list[tuple[Any, ...]]:
        """(role's number, statement's number, calls, role, text) of all statements, but superusers' that `roles` do not name."""
        return self._connection.execute(self._query(STATEMENTS), [list(roles)]).fetchall()

    def grown(self, interval_s: float, roles: Sequence[str]) -> list[tuple[Any, ...]]:
        before = {(user, number): calls for user, number, calls in self._connection.execute(self._query(CALLS))}
        time.sleep(interval_s)
        return [row for row in self.rows(roles) if row[2] != before.get((row[0], row[1]), 0)]

    def since(self) -> str:
        row = self._connection.execute(self._query(SINCE)).fetchone()
        return row[0] if row and row[0] else "nobody knows when"

    def _query(self, text: str) -> sql.Composed:
        return sql.SQL(text).format(schema=self._schema, database=sql.SQL(DATABASE))


@contextmanager
def _statistics(settings: ConnectionSettings) -> Iterator[_Statistics]:
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
        try:
            yield _Statistics(connection, found[0])
        except psycopg.errors.ObjectNotInPrerequisiteState as error:
            raise ScratchError(f"the server counts no statements: {one_line(error, 200)}") from error


def _counted(rows: Sequence[tuple[Any, ...]], origin: str, *, growing: bool = False) -> Counted:
    hidden = [row for row in rows if row[4] in (None, "<insufficient privilege>")]
    return Counted(
        statements=tuple(WorkloadStatement(sql=row[4], role=row[3]) for row in rows if row not in hidden),
        origin=origin,
        unknown=tuple(Unknown(sql="", role=row[3], reason="its text may not be read") for row in hidden),
        growing=growing,
    )


def _matters(row: tuple[Any, ...]) -> bool:
    """Whether the schema matters to it, even if it cannot be executed."""
    return usable(row[4] or "") is not False


def _of(rows: Sequence[tuple[Any, ...]], roles: Collection[str]) -> list[tuple[Any, ...]]:
    return [row for row in rows if row[3] in roles]
