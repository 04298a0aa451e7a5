"""Writes revisions into an Alembic directory, from its own script.py.mako."""

import ast
import io
from collections.abc import Sequence, Set
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, rev_id

from seachange.authoring.changes import Question, Step
from seachange.authoring.compare import changes
from seachange.authoring.errors import AuthoringError
from seachange.authoring.layout import Place, place
from seachange.authoring.source import NOT_DECIDED, body
from seachange_migrations.directory import MigrationDirectory
from seachange_migrations.errors import one_line
from seachange_migrations.phases import Phase

SQLALCHEMY = "import sqlalchemy as sa"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A revision that was written, and its open questions."""

    revision: str
    phase: Phase
    path: Path
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What autogenerate wrote: nothing, where models and database agree. `notes` need no decision."""

    written: tuple[Written, ...]
    notes: tuple[str, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(question for written in self.written for question in written.questions)


def autogenerate(migrations: MigrationDirectory, message: str) -> Generated:
    """Compares the models with the database that `migrations` is attached to, and writes an expand and a contract revision.

    A phase without differences has no revision; one that locks several tables has one for each. Raises AuthoringError or a
    MigrationError; then nothing is written.
    """
    found, imports = changes(migrations)
    written: list[Written] = []
    try:
        for phase, part, title in (
            (Phase.EXPAND, found.expand, message),
            (Phase.CONTRACT, found.contract, f"{message}, contract"),
        ):
            after = written[-1].revision if written else None
            questions = tuple(part.questions)
            revisions = part.revisions() if part else {}
            for table, steps in revisions.items():
                at = place(migrations.script, phase, tables=found.tables, after=after)
                named = title if len(revisions) == 1 else f"{title}: {table}"
                written.append(_write(migrations.script, phase, at, named, steps, questions, imports))
                # What follows cannot run before they are answered either.
                questions = ()
    except AuthoringError:
        for one in written:
            one.path.unlink()
        raise
    return Generated(written=tuple(written), notes=tuple(found.notes))


def empty(script: ScriptDirectory, phase: Phase, message: str) -> Written:
    """Writes a revision of `phase` without statements. Raises AuthoringError."""
    return _write(script, phase, place(script, phase), message, (), (), frozenset())


def _write(
    script: ScriptDirectory,
    phase: Phase,
    at: Place,
    message: str,
    steps: Sequence[Step],
    questions: Sequence[Question],
    imports: Set[str],
) -> Written:
    upgrades = body(steps, questions)
    needed = {line for line in imports if any(name in upgrades for name in _imported(line))}
    if questions:
        needed.add(NOT_DECIDED)
    if "sa." in upgrades and SQLALCHEMY not in (Path(script.dir) / "script.py.mako").read_text("utf-8"):
        needed.add(SQLALCHEMY)
    try:
        # Alembic tells standard output of each file, which belongs to the command's own answer.
        with redirect_stdout(io.StringIO()):
            revision = script.generate_revision(
                rev_id(),
                # It stands in a docstring.
                message.replace("\\", "\\\\").replace('"', "'"),
                head=at.head,
                splice=True,
                branch_labels=at.labels or None,
                depends_on=list(at.depends_on) or None,
                upgrades=upgrades,
                downgrades="",
                imports="\n".join(sorted(needed)),
                phase=phase.value,
                module_phase=at.module_phase and at.module_phase.value,
            )
    except (CommandError, OSError, SyntaxError, NameError) as error:
        raise AuthoringError(f"cannot write a revision into {script.dir}: {one_line(error)}") from error
    assert revision is not None
    if at.module_phase is not None:
        _state_phase(revision, at.module_phase)
    asked = tuple(question.text for question in questions)
    return Written(revision=revision.revision, phase=phase, path=Path(revision.path), questions=asked)


def _imported(line: str) -> list[str]:
    """The names that an import statement makes."""
    nodes = [node for node in ast.parse(line).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return [alias.asname or alias.name for node in nodes for alias in node.names]


def _state_phase(revision: Script, phase: Phase) -> None:
    """Adds the attribute where the directory's own template knows of none."""
    path = Path(revision.path)
    source = path.read_text("utf-8")
    assigned = {
        target.id: node.end_lineno or node.lineno
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    if "phase" not in assigned:
        lines = source.splitlines(keepends=True)
        lines.insert(assigned["depends_on"], f'phase = "{phase}"\n')
        path.write_text("".join(lines), "utf-8")
        revision.module.phase = phase.value  # type: ignore[attr-defined]
