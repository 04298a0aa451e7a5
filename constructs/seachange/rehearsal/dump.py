"""A production database as the seed: what `pg_dump` wrote, restored with the stage's own programs.

It comes before blue's migration, which then finds Alembic's table as production has it, and runs what is left: nothing, or the rest. The tables
belong to the owner role from the beginning, as the migration engine asks of a database that it did not make itself.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from seachange.rehearsal.errors import ConfigError
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.roles import ensure_roles

# What a dump says of a cluster that is not here: its roles, grants, tablespaces, replication. Comments on extensions are for superusers.
_LEFT_OUT = (
    "--no-owner",
    "--no-privileges",
    "--no-tablespaces",
    "--no-comments",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
)
_SCHEMAS = """
SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|seachange$)' AND nspowner = current_user::regrole
"""


def restore(
    dump: Path,
    *,
    programs: Path,
    master: ConnectionSettings,
    owner: ConnectionSettings,
    application: ConnectionSettings | None,
) -> None:
    """Restores a dump into an empty database.

    Args:
        dump: A file of `pg_dump`'s custom, tar or plain format, or a directory of its directory format.
        programs: A folder with `pg_restore` and `psql`.
        master: The role that owns the database.
        owner: The role that the tables shall belong to; where it is another one than `master`, both roles are made as the migration engine
            makes them.
        application: The role that reads and writes rows; None when there is no such role.

    Raises:
        ConfigError: It cannot be restored.
    """
    if application is not None and len({master.user, owner.user, application.user}) == 3:
        ensure_roles(master, owner, application, on_progress=lambda _: None)
    if _is_archive(dump):
        jobs = [] if _is_tar(dump) else ["--jobs", "2"]
        command = [
            str(programs / "pg_restore"),
            "--exit-on-error",
            *_LEFT_OUT,
            *jobs,
            "--dbname",
            _dsn(owner),
            str(dump),
        ]
        remedy = "make it with pg_dump of a release up to the stage's, of one database"
    else:
        command = [
            str(programs / "psql"),
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--dbname",
            _dsn(owner),
        ]
        command += ["--file", str(dump)]
        remedy = "make it with pg_dump --no-owner --no-privileges, or with --format=custom"
    _run(command, dump, owner, remedy)
    with psycopg.connect(_dsn(owner), password=owner.password, autocommit=True) as connection:
        if application is not None and application.user != owner.user:
            _grant(connection, application.user)
        connection.execute("ANALYZE")


def _run(command: Sequence[str], dump: Path, owner: ConnectionSettings, remedy: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        command,
        env=environment | {"PGPASSWORD": owner.password, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = next(
            (line for line in lines if "error" in line.lower()), lines[0] if lines else f"code {done.returncode}"
        )
        raise ConfigError(f"{dump} does not restore: {said[:500]}; {remedy}")


def _grant(connection: psycopg.Connection, application: str) -> None:
    """Lets the application read and write all rows: the dump's own grants name production's roles."""
    role = sql.Identifier(application)
    for (name,) in [*connection.execute(_SCHEMAS).fetchall(), ("public",)]:
        schema = sql.Identifier(name)
        for statement in (
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        ):
            connection.execute(sql.SQL(statement).format(schema=schema, role=role))


def _dsn(settings: ConnectionSettings) -> str:
    # Without the password: other users see a command line.
    return make_conninfo(
        host=settings.host, port=settings.port, dbname=settings.database, user=settings.user, sslmode=settings.sslmode
    )


def _is_archive(dump: Path) -> bool:
    if dump.is_dir():
        return True
    with dump.open("rb") as file:
        return file.read(5) == b"PGDMP" or _is_tar(dump)


def _is_tar(dump: Path) -> bool:
    # POSIX.1-1988: the magic of a tar archive stands behind its first file's 257 bytes.
    if dump.is_dir():
        return False
    with dump.open("rb") as file:
        return file.read(262)[257:] == b"ustar"
