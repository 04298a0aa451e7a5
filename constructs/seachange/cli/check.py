"""`seachange check`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seachange.cli.check_output import Format

if TYPE_CHECKING:
    from seachange_migrations.check import Result


def check(
    directory: Annotated[Path, typer.Argument(help="The Alembic directory.")] = Path("migrations"),
    url: Annotated[
        str | None,
        typer.Option(
            help="The serving database: what it has not is applied to a scratch database beside it, under its own statements.",
        ),
    ] = None,
    revision: Annotated[list[str] | None, typer.Option(help="Check this revision; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Check what comes after this revision.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Say no to what is unknown, too.")] = False,
    output: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TERMINAL,
) -> None:
    """Say whether the serving release survives each revision.

    The verdict is safe, lock-hazard, data, contract or unknown.

    Without --url the SQL of each revision is read; no database is needed and none is touched. With it, by default only what
    the database has not is checked; the database is only read.

    contract: it breaks the serving release. data: it loses data, or fails on what is there or is written. lock-hazard: requests
    wait while it runs. unknown: nobody can tell. A contract revision may do what breaks an older release. Where you
    know better, say so in the revision, above the statement: # seachange: allow RULE because REASON

    Exit code 0: nothing stands against them. 1: at least one must not run as it is. 2: unusable input.
    """
    # The revisions may import the application, which is found from the folder where the command is given.
    sys.path.insert(0, str(Path.cwd()))
    from seachange.cli.check_output.render import render

    result = _checked(directory, url, revision, since)
    print(render(result, output))
    unknown = any(found.verdict == "unknown" for found in result.revisions)
    raise typer.Exit(1 if any(found.refused for found in result.revisions) or (strict and unknown) else 0)


def _checked(directory: Path, url: str | None, revision: list[str] | None, since: str | None) -> "Result":
    from seachange.errors import SeaChangeError
    from seachange_migrations.check import check as check_sql
    from seachange_migrations.check.revisions import after

    if revision and since:
        raise SeaChangeError("name revisions with --revision, or where to begin with --since, not both")
    wanted = after(directory, since) if since else revision
    if url is None:
        return check_sql(directory, revisions=wanted)
    from seachange_migrations.check.on_database import check_on
    from seachange_migrations.connection import ConnectionSettings

    return check_on(ConnectionSettings.from_url(url), directory, revisions=wanted)
