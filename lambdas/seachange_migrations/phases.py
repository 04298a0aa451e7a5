"""The phase of each Alembic revision.

*Expand* revisions run before a deployment and leave the serving release working; *contract* revisions run days after
it. A revision's phase is its branch label (`expand` or `contract`, its own or inherited from the revisions it follows),
else the module attribute `phase`, else what `inspection` finds in it, else expand.
"""

from enum import StrEnum

from alembic.script import Script, ScriptDirectory
from alembic.util import to_tuple

from seachange_migrations.errors import InvalidDirectoryError


class Phase(StrEnum):
    EXPAND = "expand"
    CONTRACT = "contract"


def phases(script: ScriptDirectory) -> dict[str, Phase]:
    """The phase of every revision, expand where none is declared. Raises InvalidDirectoryError for a `phase` that is none."""
    return {revision: phase or Phase.EXPAND for revision, phase in declared_phases(script).items()}


def declared_phases(script: ScriptDirectory) -> dict[str, Phase | None]:
    """The phase that every revision declares; None where it declares none."""
    labels = branch_labels(script)
    return {revision.revision: _declared(revision, labels[revision.revision]) for revision in script.walk_revisions()}


def branch_labels(script: ScriptDirectory) -> dict[str, frozenset[str]]:
    """The branch labels of every revision: its own, else those of the revisions it follows.

    Not `Script.branch_labels`: Alembic hands a label down to the ancestors too, as far as the next branch point, and
    would so make a contract revision of everything that a linear history holds below one.
    """
    found: dict[str, frozenset[str]] = {}
    for revision in reversed(list(script.walk_revisions())):
        own = to_tuple(getattr(revision.module, "branch_labels", None), default=())
        parents = [found[parent] for parent in to_tuple(revision.down_revision, default=())]
        found[revision.revision] = frozenset(own) or frozenset[str]().union(*parents)
    return found


def _declared(revision: Script, labels: frozenset[str]) -> Phase | None:
    named = [phase for phase in Phase if phase in labels]
    if len(named) == 1:
        return named[0]
    declared = getattr(revision.module, "phase", None)
    if declared is None:
        return None
    try:
        return Phase(declared)
    except ValueError:
        raise InvalidDirectoryError(
            f"revision {revision.revision} ({revision.path}) has phase = {declared!r}: write 'expand' or 'contract'"
        ) from None
