"""`seachange repair list`, `retry` and `resolve`"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from seachange.cli.progress import Format

if TYPE_CHECKING:
    from seachange_migrations.sync.repair import Entry

SCHEMA = "seachange.repair/1"

repair = typer.Typer(help="Settle values that a sync could not keep in both forms.", no_args_is_help=True)

Url = Annotated[
    str | None,
    typer.Option(
        envvar="DATABASE_URL",
        show_envvar=True,
        help="postgresql://USER@HOST:PORT/DATABASE; the password from PGPASSWORD, ~/.pgpass or the URL.",
    ),
]
Sync = Annotated[str | None, typer.Option(help="Only entries of this sync, usually named <table>_<first new column>.")]
Output = Annotated[Format, typer.Option("--format", help="For people, or JSON for programs.")]
ShowValues = Annotated[
    bool, typer.Option("--show-values", help="Show customers' values too, as they were and as they are.")
]


@repair.command("list")
def list_entries(
    url: Url = None, sync: Sync = None, show_values: ShowValues = False, output: Output = Format.TERMINAL
) -> None:
    """List what waits for repair, and what endangers the syncs.

    \b
    seachange repair list --url postgresql://owner@db.example.com/shop

    A constraint that came later endangers one. Each entry comes with its row as it is now: settled where both sides agree, or no such
    row is there; kept where the new side holds the value, so that nothing waits for it; and below them what to do.
    Exit code 0: nothing waits. 1: entries that op.drop_synced refuses to lose, or problems. 2: the database cannot be asked.
    """
    from seachange.cli.connecting import settings_of
    from seachange_migrations.connection import open_connection
    from seachange_migrations.sync import verify
    from seachange_migrations.sync.repair import entries

    with open_connection(settings_of(url)) as connection:
        found = entries(connection, sync)
        problems = verify(connection, sync)
    _show(found, show_values, output, left=found, problems=problems)
    raise typer.Exit(0 if all(entry.kept for entry in found) and not problems else 1)


@repair.command()
def retry(
    ids: Annotated[list[int] | None, typer.Argument(help="Only these entries.")] = None,
    url: Url = None,
    sync: Sync = None,
    show_values: ShowValues = False,
    output: Output = Format.TERMINAL,
) -> None:
    """Convert the rows of entries again, and drop what is settled.

    \b
    seachange repair retry --sync customers_street_address --url postgresql://owner@db.example.com/shop

    Each row is converted under its lock. Nothing that somebody has written since is overwritten.
    An original that the trigger overwrote stays: resolve it.
    Shows the entries that were tried. Exit code 0: all are settled. 1: some are left. 2: unusable input.
    """
    from seachange.cli.connecting import settings_of
    from seachange_migrations.connection import open_connection
    from seachange_migrations.sync.repair import retry as retry_entries

    with open_connection(settings_of(url)) as connection:
        tried = retry_entries(connection, sync, ids or ())
    left = [entry for entry in tried if not entry.settled]
    _show(tried, show_values, output, left=left)
    raise typer.Exit(1 if left else 0)


@repair.command()
def resolve(
    ids: Annotated[list[int], typer.Argument(help="The entries, as `seachange repair list` numbers them.")],
    url: Url = None,
) -> None:
    """Drop entries that people have settled by hand.

    \b
    seachange repair resolve 17 18 --url postgresql://owner@db.example.com/shop

    Their originals go with them.
    The last entry of a row that is not in step stays: without it the next backfill would write over the row. UPDATE the row first.
    Exit code 0: they are dropped. 2: unusable input, or an entry that must stay, and none is dropped.
    """
    from seachange.cli.connecting import settings_of
    from seachange_migrations.connection import open_connection
    from seachange_migrations.sync.repair import resolve as resolve_entries

    with open_connection(settings_of(url)) as connection:
        resolve_entries(connection, ids)
    print(f"dropped {len(set(ids))} of the entries for repair")


def _show(
    entries: "Sequence[Entry]",
    show_values: bool,
    output: Format,
    *,
    left: "Sequence[Entry]",
    problems: Sequence[str] = (),
) -> None:
    """Prints `entries`, and for each reason of those that are `left` what to do."""
    if output is Format.JSON:
        shown = [entry.to_json(show_values=show_values) for entry in entries]
        print(json.dumps({"schema": SCHEMA, "entries": shown, "problems": list(problems)}))
        return
    for problem in problems:
        print(f"problem: {problem}")
    if not entries:
        print("nothing waits for repair")
    for entry in entries:
        key = ", ".join(f"{name} {value}" for name, value in entry.key.items())
        print(f"{entry.id}  {entry.state}  {entry.sync}  {key}  {entry.reason}  {entry.recorded_at}")
        if show_values:
            print(f"    original {json.dumps(entry.original)}, now {json.dumps(entry.row)}")
    for reason, remedy in dict.fromkeys((entry.reason, entry.remedy) for entry in left):
        print(f"remedy ({reason}): {remedy}")
