"""`seachange revision`"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from seachange.cli.progress import Format
from seachange.errors import SeaChangeError

if TYPE_CHECKING:
    from seachange.authoring.revision import Generated


def revision(
    message: Annotated[str, typer.Option("--message", "-m", help="What changes, in a few words.")],
    directory: Annotated[Path, typer.Argument(help="The Alembic directory.")] = Path("migrations"),
    autogenerate: Annotated[
        bool,
        typer.Option("--autogenerate", help="Compare the models with the database at --url, and write what differs."),
    ] = False,
    phase: Annotated[
        Literal["expand", "contract"] | None, typer.Option(help="Write an empty revision of this phase instead.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(envvar="DATABASE_URL", show_envvar=True, help="A database of your own, at the directory's heads."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="What to print at the end.")] = Format.TERMINAL,
) -> None:
    """Write a change of the models as revisions.

    One of expand and one of contract; or an empty revision of one phase.

    What models and database do not tell is left open: the revision holds the question and refuses to run.

    Exit code 0: written, or nothing differs. 1: written, with open questions. 2: unusable input; nothing is written.
    """
    if autogenerate == (phase is not None):
        raise SeaChangeError(
            "say what to write: --autogenerate, or --phase expand or --phase contract for an empty revision"
        )
    # The models are usually found from the folder where the command is given, as with `python -m`.
    sys.path.insert(0, str(Path.cwd()))
    from seachange.authoring.directory import attached, script
    from seachange.authoring.revision import Generated, empty
    from seachange.authoring.revision import autogenerate as generate
    from seachange_migrations.phases import Phase

    if phase is not None:
        generated = Generated(written=(empty(script(directory), Phase(phase), message),), notes=())
    else:
        from seachange.cli.connecting import settings_of

        with attached(directory, settings_of(url)) as migrations:
            generated = generate(migrations, message)
    print(json.dumps(_as_json(generated)) if output is Format.JSON else _as_text(generated))
    raise typer.Exit(1 if generated.questions else 0)


def _as_json(generated: "Generated") -> dict[str, object]:
    revisions = [
        {"revision": one.revision, "phase": one.phase.value, "path": _shown(one.path), "questions": list(one.questions)}
        for one in generated.written
    ]
    return {"schema": "seachange.revision/1", "revisions": revisions, "notes": list(generated.notes)}


def _as_text(generated: "Generated") -> str:
    if not generated.written:
        return "models and database agree: nothing is written"
    lines = [f"{one.phase:<8}  {_shown(one.path)}" for one in generated.written]
    lines += [f"note      {note}" for note in generated.notes]
    for one in generated.written:
        lines += [f"question  {question}\n          in {_shown(one.path)}" for question in one.questions]
    if generated.questions:
        lines.append(f"{len(generated.questions)} open: these revisions refuse to run until you answer, as they say")
    return "\n".join(lines)


def _shown(path: Path) -> str:
    """The path as seen from here, where it lies below."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
