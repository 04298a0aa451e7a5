"""Gives a release an expand migration that would break the one that serves, for the drill that wants to see it refused."""

import dataclasses
import shutil
from pathlib import Path

import psycopg
from alembic.script import ScriptDirectory
from alembic.util import to_tuple

from seachange.plan.model import Migration
from seachange.rehearsal.errors import NotApplicableError
from seachange_migrations.directory import configuration, load
from seachange_migrations.phases import Phase, phases

_REVISION = "rehearsal_breaks_blue"


def breaking(migration: Migration, dsn: str, work: Path) -> Migration:
    """The same migration with one expand revision more, which drops a column of the largest table.

    Args:
        migration: The release's own.
        dsn: Connects as the role that owns the tables.
        work: A directory for the changed copy; everything else is linked to.
    """
    directory = str(migration.properties["Directory"])
    root = work / "breaks-blue"
    root.mkdir()
    for entry in migration.directory.iterdir():
        if entry.name != Path(directory).parts[0]:
            (root / entry.name).symlink_to(entry)
    shutil.copytree(migration.directory / Path(directory).parts[0], root / Path(directory).parts[0])
    table, column = _victim(dsn)
    script = load(root / directory, configuration(root / directory))
    below = _expand_head(script)
    (Path(script.versions) / f"{_REVISION}.py").write_text(
        f'''"""Takes away a column that the serving release reads."""

from alembic import op

revision = "{_REVISION}"
down_revision = {below!r}
phase = "expand"


def upgrade() -> None:
    op.drop_column({table!r}, {column!r})
''',
        "utf-8",
    )
    properties = {**migration.properties, "Target": _REVISION}
    return dataclasses.replace(migration, directory=root, properties=properties)


def _victim(dsn: str) -> tuple[str, str]:
    """The largest table and the last of its columns that no key has."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND NOT EXISTS"
            " (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND a.attnum = ANY (k.conkey) AND k.contype IN ('p', 'u', 'f'))"
            " ORDER BY pg_relation_size(c.oid) DESC, a.attnum DESC LIMIT 1"
        ).fetchone()
    if found is None:
        raise NotApplicableError(
            "no table in schema public has a column that could be dropped; the drill breaks-blue needs one"
        )
    return str(found[0]), str(found[1])


def _expand_head(script: ScriptDirectory) -> str:
    """The newest expand revision: what the one more follows."""
    expand = {revision for revision, phase in phases(script).items() if phase is Phase.EXPAND}
    followed = {
        parent
        for revision in script.walk_revisions()
        if revision.revision in expand
        for parent in to_tuple(revision.down_revision, default=())
    }
    heads = sorted(expand - followed)
    if len(heads) != 1:
        raise NotApplicableError(
            f"the migrations have no single newest expand revision ({', '.join(heads) or 'none'}), which the drill breaks-blue would follow"
        )
    return heads[0]
