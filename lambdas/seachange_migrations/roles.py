"""The two roles of a database: the owner, who migrates, and the application, who reads and writes rows.

The master makes them. On Amazon RDS it is no superuser: it has CREATEROLE and CREATEDB and owns the database, and
nothing here needs more.
"""

import psycopg
from psycopg import sql

from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import (
    ForeignObjectsError,
    InvalidRequestError,
    RolesError,
    one_line,
)
from seachange_migrations.locks import HOLDER, lock_held, lock_key
from seachange_migrations.report import OnProgress

FOREIGN_OBJECTS = """
SELECT c.relowner::regrole::text, c.oid::regclass::text, count(*) OVER ()
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
  AND c.relowner IS DISTINCT FROM (SELECT oid FROM pg_roles WHERE rolname = %s)
ORDER BY c.oid LIMIT 1
"""

PRIVILEGES = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {application}",
    "GRANT USAGE ON SCHEMA public TO {application}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {application}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {application}",
)
# For an application role that is made later than the tables.
PRIVILEGES_ON_EXISTING = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {application}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {application}",
)
# Useful, and not every master may do it: the statistics of statements, and the query of a session that blocks.
OPTIONAL = (
    "CREATE EXTENSION IF NOT EXISTS pg_stat_statements",
    "GRANT pg_read_all_stats TO {owner}",
)


def ensure_roles(
    master: ConnectionSettings, owner: ConnectionSettings, application: ConnectionSettings, on_progress: OnProgress
) -> None:
    """Makes or mends the owner and application roles of the database; what is right stays as it is.

    Raises ForeignObjectsError when the database holds tables of another role, LockHeldError while another deployer
    works, RolesError otherwise.
    """
    if len({master.user, owner.user, application.user}) < 3:
        raise InvalidRequestError(
            f"master {master.user!r}, owner {owner.user!r} and application {application.user!r} must be three roles: "
            "change the username in a secret"
        )
    with connect(master) as connection:
        try:
            with connection.transaction():
                _ensure(connection, owner, application, on_progress)
        except psycopg.Error as error:
            raise RolesError(
                f"role {master.user!r} cannot set up the roles {owner.user!r} and {application.user!r}: "
                f"{one_line(error, 500)}. It must have CREATEROLE and CREATEDB and own the database; "
                "or use roles='existing'."
            ) from error
        for statement in OPTIONAL:
            try:
                connection.execute(_filled(statement, owner, application))
            except psycopg.Error as error:
                on_progress({"event": "not_allowed", "statement": statement, "reason": one_line(error, 300)})


def protect_version_table(owner: ConnectionSettings, application: ConnectionSettings, version_table: str) -> None:
    """Leaves the application no more than reading Alembic's table: what stands there decides which revisions run."""
    with connect(owner) as connection:
        role = sql.Identifier(application.user).as_string(connection)
        connection.execute(f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {version_table} FROM {role}".encode())


def _ensure(
    connection: psycopg.Connection, owner: ConnectionSettings, application: ConnectionSettings, on_progress: OnProgress
) -> None:
    if not _value(connection, "SELECT pg_try_advisory_xact_lock(%s)", lock_key(owner.database)):
        raise lock_held(owner.database, _value(connection, HOLDER, lock_key(owner.database)))
    _refuse_foreign_objects(connection, owner)
    _ensure_login(connection, owner, on_progress)
    is_new = _ensure_login(connection, application, on_progress)
    # Giving a database away takes the right to act as its next owner.
    if not _value(connection, "SELECT pg_has_role(current_user, %s, 'USAGE')", owner.user):
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner.user)))
    if _value(
        connection,
        "SELECT pg_get_userbyid(datdba) <> %s FROM pg_database WHERE datname = current_database()",
        owner.user,
    ):
        connection.execute(_filled("ALTER DATABASE {database} OWNER TO {owner}", owner, application))
    for statement in PRIVILEGES + (PRIVILEGES_ON_EXISTING if is_new else ()):
        connection.execute(_filled(statement, owner, application))


def _refuse_foreign_objects(connection: psycopg.Connection, owner: ConnectionSettings) -> None:
    found = connection.execute(FOREIGN_OBJECTS, [owner.user]).fetchone()
    if found:
        holder, name, count = found
        raise ForeignObjectsError(
            f"database {owner.database!r} holds {count} relation(s) that do not belong to {owner.user!r}, the first "
            f"being {name} of {holder}. Use roles='existing' with the secret of {holder}, or give them over: "
            f"REASSIGN OWNED BY {holder} TO {owner.user}."
        )


def _ensure_login(connection: psycopg.Connection, role: ConnectionSettings, on_progress: OnProgress) -> bool:
    """Makes sure that `role` exists and logs in with its secret's password. Whether it was created."""
    exists = bool(_value(connection, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", role.user))
    if exists and _logs_in(role):
        return False
    # Hashed here: in clear text the password would reach the server's log.
    verifier = connection.pgconn.encrypt_password(role.password.encode(), role.user.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role.user), sql.Literal(verifier.decode())))
    on_progress({"event": "password_set" if exists else "role_created", "role": role.user})
    return not exists


def _logs_in(role: ConnectionSettings) -> bool:
    try:
        psycopg.connect(**role.parameters(), password=role.password).close()
    except psycopg.OperationalError:
        return False
    return True


def _filled(statement: str, owner: ConnectionSettings, application: ConnectionSettings) -> sql.Composed:
    return sql.SQL(statement).format(
        database=sql.Identifier(owner.database),
        owner=sql.Identifier(owner.user),
        application=sql.Identifier(application.user),
    )


def _value(connection: psycopg.Connection, query: str, *parameters: object) -> object:
    (value,) = connection.execute(query, parameters).fetchone() or (None,)
    return value
