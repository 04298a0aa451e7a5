"""All commands of `seachange`."""

from importlib.metadata import version
from typing import Annotated

import typer

from seachange.cli.check import check
from seachange.cli.freeze import freeze
from seachange.cli.heads import heads
from seachange.cli.init_migrations import init_migrations
from seachange.cli.migrate import migrate
from seachange.cli.rehearse import rehearse
from seachange.cli.repair import repair
from seachange.cli.revision import revision
from seachange.cli.simulate import simulate

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(is_asked: bool) -> None:
    if is_asked:
        print(f"seachange {version('seachange')}")
        raise typer.Exit


@app.callback()
def seachange(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Ship schema changes together with code, and rehearse the release before AWS sees it."""


app.command()(migrate)
app.command()(heads)
app.command()(check)
app.command()(rehearse)
app.command()(simulate)
app.command()(freeze)
app.command()(init_migrations)
app.command()(revision)
app.add_typer(repair, name="repair")
