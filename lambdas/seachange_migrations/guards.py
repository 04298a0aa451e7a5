"""What the engine refuses before it touches the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from alembic.script import ScriptDirectory
from alembic.util import CommandError

from seachange_migrations.errors import InvalidDirectoryError, UnknownRevisionError, WrongOrderError
from seachange_migrations.phases import Phase, branch_labels, phases


def refuse_unknown(script: ScriptDirectory, heads: Sequence[str]) -> None:
    """Raises UnknownRevisionError when the database has revisions that `script` does not know: it is newer."""
    unknown = [head for head in heads if not _knows(script, head)]
    if unknown:
        raise UnknownRevisionError(unknown, script.dir)


def refuse_two_heads(script: ScriptDirectory) -> None:
    """Raises InvalidDirectoryError when one branch ends twice, which is two people's work that nobody merged."""
    labels, phase_of = branch_labels(script), phases(script)
    branches: dict[tuple[Phase, frozenset[str]], list[str]] = defaultdict(list)
    for head in sorted(script.get_heads()):
        branches[phase_of[head], labels[head]].append(head)
    for (phase, _), heads in branches.items():
        if len(heads) > 1:
            raise InvalidDirectoryError(
                f"{script.dir!r} has {len(heads)} heads in one branch of phase {phase}: {', '.join(heads)}. "
                f"Put one after the other, or join them: alembic merge {' '.join(heads)}"
            )


def refuse_wrong_order(wanted: str, needed: Sequence[str], phase_of: Mapping[str, Phase]) -> None:
    """Raises WrongOrderError when `needed`, the pending revisions up to `wanted`, holds one of the other phase."""
    for revision in needed:
        if phase_of[revision] is not phase_of[wanted]:
            first = phase_of[revision]
            raise WrongOrderError(
                f"{first} first: revision {wanted} ({phase_of[wanted]}) needs revision {revision} ({first}), which has "
                f"not run. Run the {first} phase up to {revision}, then deploy again.",
                first=revision,
                wanted=wanted,
            )


def _knows(script: ScriptDirectory, identifier: str) -> bool:
    try:
        revision = script.get_revision(identifier)
    except CommandError:
        return False
    # Alembic also takes the beginning of an identifier for the whole.
    return revision is not None and revision.revision == identifier
