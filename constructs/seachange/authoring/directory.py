"""Opens an Alembic directory, with a database to compare or without one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.script import ScriptDirectory

from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.directory import MigrationDirectory, configuration, load


def script(directory: Path) -> ScriptDirectory:
    """The revisions of `directory`. Raises InvalidDirectoryError."""
    return load(directory, configuration(directory))


@contextmanager
def attached(directory: Path, settings: ConnectionSettings) -> Iterator[MigrationDirectory]:
    """The directory with a connection to the database of `settings`, for env.py to take. Raises a MigrationError."""
    migrations = MigrationDirectory(directory, settings)
    with open_connection(settings) as connection:
        migrations.attach(connection)
        yield migrations
