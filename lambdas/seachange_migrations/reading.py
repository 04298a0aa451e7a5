"""Reads the revision files of an Alembic directory, and says in a line which of them cannot be used, and why."""

import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from alembic.util import to_tuple

from seachange_migrations.errors import InvalidDirectoryError, MigrationError, one_line
from seachange_migrations.exits import ExitError, exits_told
from seachange_migrations.failures import describe_import


def revisions(path: Path, config: Config) -> ScriptDirectory:
    """The revisions of the directory at `path`. Raises InvalidDirectoryError when they cannot be read."""
    try:
        script = ScriptDirectory.from_config(config)
        with exits_told(), warnings.catch_warnings():
            # Alembic only warns, and takes one of the two.
            warnings.filterwarnings("error", message="Revision .* is present more than once")
            found = list(script._load_revisions())
            _refuse_gaps(found)
            # Each file is read once, as in Alembic.
            script.revision_map = RevisionMap(lambda: found)
            list(script.walk_revisions())
    except MigrationError:
        raise
    except Exception as error:
        where = _holding_nul(script) if isinstance(error, SyntaxError) and error.filename is None else path
        raise InvalidDirectoryError(
            f"the revisions in {str(path)!r} cannot be read: {located(error, where)}"
        ) from error
    return script


def _refuse_gaps(found: Sequence[Script]) -> None:
    """Raises InvalidDirectoryError for a revision without its function, and for one that follows what is not there."""
    there = {name for script in found for name in (script.revision, *script._orig_branch_labels)}
    for script in found:
        if not callable(getattr(script.module, "upgrade", None)):
            raise InvalidDirectoryError(
                f"{script.path} has no function upgrade(), so there is nothing to run for revision {script.revision}: write it, "
                "with `pass` in it where nothing is to do"
            )
        for verb, names in (("follows", script.down_revision), ("depends on", script.dependencies)):
            if missing := [name for name in to_tuple(names, default=()) if name not in there]:
                raise InvalidDirectoryError(
                    f"{script.revision} {verb} {missing[0]}, which is not there: bring that revision's file back, or name in "
                    f"{script.path} one that is there"
                )


def _holding_nul(script: ScriptDirectory) -> Path:
    """The file that Python refuses without its name."""
    files = (file for location in script._version_locations for file in Path(location).rglob("*.py"))
    return next((file for file in files if b"\0" in file.read_bytes()), Path(script.dir))


def located(error: Exception, path: Path) -> str:
    """`error` of reading or running the file, or a file in the folder, at `path`: where, and what."""
    if isinstance(error, SyntaxError):
        line = f", line {error.lineno}" if error.lineno else ""
        return f"{error.filename or path}{line}: {error.msg}"
    if isinstance(error, ImportError):
        return describe_import(error)
    where = _line(error) if isinstance(error, ExitError) else ""
    return f"{where}{type(error).__name__}: {one_line(error)}"


def _line(error: Exception) -> str:
    """The line that raised `error`; `exit` itself is a frozen function of Python's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}: " if frames else ""
