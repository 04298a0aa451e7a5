"""All commands of `seachange`."""

import typer

from seachange.cli.freeze import freeze
from seachange.cli.rehearse import rehearse

app = typer.Typer(
    help="Ship schema changes together with code, and rehearse the release before AWS sees it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(rehearse)
app.command()(freeze)
