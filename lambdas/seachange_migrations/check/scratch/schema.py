"""Brings an empty scratch database to the real one's schema: with pg_dump where that works, else with the Alembic chain."""

from pathlib import Path

from psycopg import sql

from seachange_migrations.check.scratch import chain, dump
from seachange_migrations.check.scratch.fence import refuse_what_reaches_out
from seachange_migrations.connection import ConnectionSettings, connect, open_connection
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.running import TimeLeft

# What the engine and its operations remember in the database: without it, revisions would find nothing begun.
REMEMBERED = ("seachange.engine", "seachange.sync", "seachange.backfill")


def copy(
    real: ConnectionSettings,
    made: ConnectionSettings,
    directory: Path,
    *,
    administrator: ConnectionSettings,
    time_left: TimeLeft,
) -> str:
    """Where the schema of `made` now comes from, in words. `administrator` is who made that database. Raises ScratchError."""
    with connect(real) as connection:
        refuse_what_reaches_out(connection)
    problem = dump.problem(real) or dump.copy(real, made, time_left=time_left)
    if problem is None:
        _copy_what_is_remembered(real, made, directory)
        return "pg_dump"
    chain.run(real, made, directory, administrator=administrator, time_left=time_left)
    return f"the directory's revisions, for {problem}"


def _copy_what_is_remembered(real: ConnectionSettings, made: ConnectionSettings, directory: Path) -> None:
    migrations = MigrationDirectory(directory, real)
    with open_connection(real) as connection:
        migrations.attach(connection)
        migrations.heads()
    with connect(real) as source, connect(made) as target:
        for name in (migrations.version_table, *REMEMBERED):
            row = source.execute("SELECT to_regclass(%s)::text", [name]).fetchone()
            if row is None or row[0] is None:
                continue
            table = sql.SQL(row[0])
            read, write = sql.SQL("COPY {} TO STDOUT").format(table), sql.SQL("COPY {} FROM STDIN").format(table)
            with source.cursor().copy(read) as rows, target.cursor().copy(write) as copied:
                for block in rows:
                    copied.write(block)
