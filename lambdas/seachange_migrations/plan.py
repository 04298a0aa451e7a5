"""Which revisions would run, in Alembic's own order."""

from collections.abc import Mapping, Sequence

from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from seachange_migrations.errors import InvalidRequestError, one_line
from seachange_migrations.guards import refuse_two_heads, refuse_wrong_order
from seachange_migrations.phases import Phase, phases


def plan(
    script: ScriptDirectory,
    heads: Sequence[str],
    *,
    target: str,
    phase: Phase,
    first_migration: bool,
    phase_of: Mapping[str, Phase] | None = None,
) -> tuple[str, ...]:
    """The revisions to apply, ancestors and dependencies first.

    An empty database (`first_migration`) gets everything up to `target`. Any other gets what belongs to `phase`; what belongs
    to the other phase waits, and is refused where it stands below a wanted revision. A database ahead of `target` gets
    nothing: no revision is taken back.

    `heads` are the database's revisions; `target` is `heads`, a revision, or `label@head`; `phase_of` is what is declared,
    by default.
    """
    needed = pending(script, heads, target)
    if target == "heads":
        refuse_two_heads(script)
    if first_migration:
        return needed
    phase_of = phase_of or phases(script)
    wanted = tuple(revision for revision in needed if phase_of[revision] is phase)
    if len(wanted) < len(needed):
        for revision in wanted:
            refuse_wrong_order(revision, pending(script, heads, revision), phase_of)
    return wanted


def pending(script: ScriptDirectory, heads: Sequence[str], target: str | tuple[str, ...]) -> tuple[str, ...]:
    """What `target` needs and a database at `heads` has not, ancestors and dependencies first.

    Raises InvalidRequestError for a target that is no revision.
    """
    try:
        revisions = list(script.iterate_revisions(target, tuple(heads) or "base", implicit_base=True))
    except (RevisionError, CommandError) as error:
        raise InvalidRequestError(f"target {target!r} is no revision of {script.dir!r}: {one_line(error)}") from error
    return tuple(revision.revision for revision in reversed(revisions))
