"""The directory's own revisions, from the first to where the real database is, on the scratch database.

They know nothing of what somebody did beside them: extensions and privileges are taken over from the real database, and what
is still different the comparison of catalogs finds.
"""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from seachange_migrations.check.scratch.errors import ScratchError
from seachange_migrations.check.scratch.fence import fenced
from seachange_migrations.connection import ConnectionSettings, connect, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import one_line
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.plan import pending
from seachange_migrations.running import Run, TimeLeft, running

# Those of the role that migrates come from its revisions.
FOREIGN_EXTENSIONS = """
SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extowner <> (SELECT oid FROM pg_roles WHERE rolname = %s) AND e.extname NOT IN ('plpgsql', 'pg_stat_statements')
"""
DEFAULT_PRIVILEGES = """
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s GRANT %s ON %s TO %s',
              pg_get_userbyid(d.defaclrole), 'IN SCHEMA ' || quote_ident(n.nspname), a.privilege_type,
              CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                  WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END,
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN LATERAL aclexplode(d.defaclacl) a
WHERE d.defaclobjtype IN ('r', 'S', 'f', 'T', 'n') AND a.grantee <> d.defaclrole AND pg_has_role(d.defaclrole, 'MEMBER')
  AND (d.defaclnamespace = 0 OR n.nspname = 'public')
"""
SCHEMA_PRIVILEGES = """
SELECT format('%s %s ON SCHEMA %I %s %s', {verb}, a.privilege_type, n.nspname, {preposition},
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_namespace n CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT starts_with(n.nspname, 'pg_')
  AND a.grantee <> n.nspowner
"""
RELATION_PRIVILEGES = """
SELECT format('%s %s ON %s %I.%I %s %s', {verb}, a.privilege_type, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
              n.nspname, c.relname, {preposition},
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND c.relpersistence <> 't'
UNION ALL
SELECT format('%s %s (%I) ON TABLE %I.%I %s %s', {verb}, a.privilege_type, t.attname, n.nspname, c.relname, {preposition},
              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(t.attacl) a
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND t.attnum > 0 AND NOT t.attisdropped
"""


def run(
    real: ConnectionSettings,
    made: ConnectionSettings,
    directory: Path,
    *,
    administrator: ConnectionSettings,
    time_left: TimeLeft,
) -> None:
    """Applies all that the database of `real` has to that of `made`. Raises ScratchError."""
    wanted = _applied(real, directory)
    with connect(real) as source:
        with connect(administrator) as target:
            for name, schema in source.execute(FOREIGN_EXTENSIONS, [real.user]).fetchall():
                target.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
                create = sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {}")
                target.execute(create.format(sql.Identifier(name), sql.Identifier(schema)))
        with connect(made) as target:
            _execute_each(
                target, [statement for (statement,) in source.execute(DEFAULT_PRIVILEGES).fetchall() if statement]
            )
        _apply(wanted, made, directory, time_left)
        with connect(made) as target:
            for query in (SCHEMA_PRIVILEGES, RELATION_PRIVILEGES):
                _take_over_privileges(source, target, query)


def _applied(real: ConnectionSettings, directory: Path) -> list[str]:
    """What the real database has, ancestors first."""
    migrations = MigrationDirectory(directory, real)
    with open_connection(real) as connection, fenced(real, lambda: 30.0):
        migrations.attach(connection)
        heads = migrations.heads()
    refuse_unknown(migrations.script, heads)
    return list(dict.fromkeys(revision for head in heads for revision in pending(migrations.script, (), head)))


def _apply(revisions: list[str], made: ConnectionSettings, directory: Path, time_left: TimeLeft) -> None:
    migrations = MigrationDirectory(directory, made)
    with open_connection(made) as connection, fenced(made, time_left):
        migrations.attach(connection)
        for revision in revisions:
            if time_left() <= 0:
                raise ScratchError("the time is used up before the scratch database has the current schema")
            with running(Run(time_left=time_left, revision=revision)):
                try:
                    migrations.upgrade(revision)
                except ScratchError:
                    raise
                except Exception as error:
                    reason = one_line(error, 300)
                    raise ScratchError(f"revision {revision} does not run on an empty database: {reason}") from error


def _take_over_privileges(source: psycopg.Connection, target: psycopg.Connection, query: str) -> None:
    def privileges(connection: psycopg.Connection, verb: str, preposition: str) -> dict[Any, None]:
        text = query.format(verb=f"'{verb}'", preposition=f"'{preposition}'")
        return dict.fromkeys(statement for (statement,) in connection.execute(text.encode()).fetchall())

    here = privileges(target, "GRANT", "TO")
    there = privileges(source, "GRANT", "TO")
    revoked = zip(privileges(target, "REVOKE", "FROM"), here, strict=True)
    _execute_each(target, [statement for statement, grant in revoked if grant not in there])
    _execute_each(target, [statement for statement in there if statement not in here])


def _execute_each(connection: psycopg.Connection, statements: list[str]) -> None:
    """What is refused, the comparison of the catalogs will show."""
    for statement in statements:
        try:
            connection.execute(statement.encode())
        except psycopg.Error:
            continue
