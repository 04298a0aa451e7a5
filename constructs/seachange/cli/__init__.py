"""The command line: `seachange …`. Exit codes: 0 done and good, 1 the answer is "no", 2 unusable input, 130 interrupted."""

import sys

import typer

from seachange.cli.rehearse import rehearse
from seachange.errors import SeaChangeError
from seachange_deployments.errors import DeploymentError

app = typer.Typer(
    help="Ship schema changes together with code, and rehearse the release before AWS sees it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(rehearse)


@app.callback()
def seachange() -> None:
    """Ship schema changes together with code, and rehearse the release before AWS sees it."""


def main() -> None:
    """Runs the command line; a SeaChangeError becomes one line and exit code 2."""
    try:
        app()
    except (SeaChangeError, DeploymentError) as error:
        print(f"seachange: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("seachange: interrupted; everything that was started has been ended", file=sys.stderr)
        sys.exit(130)
