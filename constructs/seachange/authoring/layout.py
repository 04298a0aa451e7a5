"""Where a new revision goes: on one of two labelled branches, or at the end of a line."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util import to_tuple

from seachange.authoring.errors import AuthoringError
from seachange_migrations.guards import refuse_two_heads
from seachange_migrations.phases import Phase, branch_labels, phases


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a new revision says of itself.

    Args:
        head: The revision it follows; `base` for none.
        labels: Its branch labels, for the first one of a branch.
        depends_on: Revisions that must have run before it.
        module_phase: Its attribute `phase`, in a history without labels.
    """

    head: str
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    module_phase: Phase | None = None


def place(script: ScriptDirectory, phase: Phase, *, tables: Iterable[str] = (), after: str | None = None) -> Place:
    """The place of a new revision of `phase` that changes `tables`; a contract revision comes `after` its expand revision.

    A history in which a revision has the attribute `phase` and none a label stays a line. Any other gets two branches, which
    begin where the history ends now; the first revision of all belongs to neither. Raises InvalidDirectoryError and
    AuthoringError for a history that ends more than once.
    """
    refuse_two_heads(script)
    labels, heads = branch_labels(script), sorted(script.get_heads())
    if not heads:
        return Place(head="base", labels=(phase.value,) if phase is Phase.CONTRACT else ())
    own = [head for head in heads if phase in labels[head]]
    if own:
        return Place(head=own[0], depends_on=_needed(script, phase, own[0], tables, after))
    branches = [head for head in heads if labels[head] & set(Phase)]
    if not branches and any(hasattr(revision.module, "phase") for revision in script.walk_revisions()):
        return Place(head=_only(script, heads), module_phase=phase)
    root = _root(script, branches[0]) if branches else _only(script, heads)
    depends_on = _needed(script, phase, root, tables, after)
    return Place(head=root, labels=(phase.value,), depends_on=depends_on)


def _needed(
    script: ScriptDirectory, phase: Phase, head: str, tables: Iterable[str], after: str | None
) -> tuple[str, ...]:
    if phase is Phase.CONTRACT:
        # In a revision that is written by hand: whatever the serving release needed was added by now.
        expand = after or next(
            (found for found in script.get_heads() if Phase.EXPAND in branch_labels(script)[found]), None
        )
        return (expand,) if expand and expand != head else ()
    # A contract revision of the same tables comes first: names it frees may come again, triggers it drops look at them.
    phase_of = phases(script)
    own = (
        {revision.revision for revision in script.iterate_revisions(head, "base", implicit_base=True)}
        if head != "base"
        else set()
    )
    names = set(tables)
    for revision in script.walk_revisions():
        if (
            phase_of[revision.revision] is Phase.CONTRACT
            and revision.revision not in own
            and _mentions(revision, names)
        ):
            return (revision.revision,)
    return ()


def _mentions(revision: Script, names: set[str]) -> bool:
    """Whether a string of the revision names one of the tables. Too often is safe: the revision then waits for contract."""
    tree = ast.parse(Path(revision.path).read_text("utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(name in text for name in names for text in texts)


def _root(script: ScriptDirectory, head: str) -> str:
    """The revision that the other branch began at."""
    labels = branch_labels(script)
    revision = script.get_revision(head)
    while labels[revision.revision] & set(Phase):
        down = to_tuple(revision.down_revision, default=())
        if not down:
            return "base"
        revision = script.get_revision(down[0])
    return str(revision.revision)


def _only(script: ScriptDirectory, heads: list[str]) -> str:
    if len(heads) > 1:
        raise AuthoringError(
            f"{script.dir} has {len(heads)} heads, {', '.join(heads)}, none labelled expand or contract: join them first, "
            f"alembic merge {' '.join(heads)}"
        )
    return heads[0]
