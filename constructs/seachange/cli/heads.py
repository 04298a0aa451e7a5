"""`seachange heads`"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seachange.cli.progress import Format

if TYPE_CHECKING:
    from seachange_migrations.connection import ConnectionSettings

SCHEMA = "seachange.heads/1"


def heads(
    directory: Annotated[Path, typer.Argument(help="The Alembic directory.")] = Path("migrations"),
    url: Annotated[
        str | None,
        typer.Option(
            envvar="DATABASE_URL",
            show_envvar=True,
            help="postgresql://USER@HOST:PORT/DATABASE; the password from PGPASSWORD, ~/.pgpass or the URL.",
        ),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(
            help="A deployed stack instead, asked through its own migrations Lambda with your AWS credentials."
        ),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="For people, or JSON for programs.")] = Format.TERMINAL,
) -> None:
    """Show a database's revisions, and what would run.

    Both phases, who migrates now, and how far backfills are. Nothing is changed, and nobody waits.

    \b
    seachange heads migrations --url postgresql://owner@db.example.com/shop
    seachange heads --stack shop-service --format json

    Exit code 0: it is shown. 2: the database, the directory or the stack cannot be asked.
    """
    from seachange.cli.connecting import settings_of

    # The revisions may import the application, which is found from the folder where the command is given.
    sys.path.insert(0, str(Path.cwd()))
    found = _of_stack(stack) if stack is not None else [_of_database(settings_of(url), directory)]
    if output is Format.JSON:
        print(json.dumps({"schema": SCHEMA, "databases": found}))
    else:
        print("\n".join(line for one in found for line in _lines(one)))


def _of_stack(stack: str) -> list[dict[str, Any]]:
    from seachange.stack_heads import stack_heads

    return [
        {"database": one.database, "function": one.function, "executions": list(one.executions), **one.status}
        for one in stack_heads(stack)
    ]


def _of_database(settings: "ConnectionSettings", directory: Path) -> dict[str, Any]:
    from seachange_migrations.backfill import status as backfills
    from seachange_migrations.connection import open_connection
    from seachange_migrations.deployed.status import Status
    from seachange_migrations.outlook import inspect

    outlook = inspect(settings, directory)
    with open_connection(settings) as connection:
        return {
            "database": settings.database,
            **Status(outlook=outlook, backfills=tuple(backfills(connection))).to_json(),
        }


def _lines(one: Mapping[str, Any]) -> Iterator[str]:
    where = f", asked through {one['function']}" if "function" in one else ""
    yield f"database {one['database']}{where}"
    if "revisions" in one:
        yield f"  at       {', '.join(one['revisions']) or 'no revision: it is empty'}"
        yield from _listed("wanted", one)
        yield from _listed("waiting", one)
        if one["lock_holder"]:
            yield f"  now      {one['lock_holder']} migrates"
    else:
        yield "  the revisions lie in the service's own image"
    for execution in one.get("executions", ()):
        yield f"  now      execution {execution} of the migration's state machine runs"
    yield f"  {one['summary']}"


def _listed(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    for revision in one[name]:
        yield f"  {name:<8} {revision}  {one['phases'].get(revision, '')}"
    if not one[name] and name == "wanted":
        yield "  wanted   nothing: expand has nothing to run"
