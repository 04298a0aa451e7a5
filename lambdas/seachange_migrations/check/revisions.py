"""The revisions of an Alembic directory, without any database."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from seachange_migrations.directory import configuration, load
from seachange_migrations.errors import InvalidRequestError
from seachange_migrations.plan import pending


def opened(directory: Path) -> tuple[ScriptDirectory, Config]:
    """The revisions, and the configuration to render them with. Raises InvalidDirectoryError."""
    config = configuration(directory)
    return load(directory, config), config


def after(directory: Path, since: str) -> tuple[str, ...]:
    """The revisions that a database at `since` has not, in the order in which they are applied."""
    script, _ = opened(directory)
    try:
        known = script.get_revision(since)
    except CommandError:
        known = None
    if known is None:
        raise InvalidRequestError(f"{since!r} is no revision of {str(directory)!r}")
    return pending(script, (known.revision,), "heads")
