"""The command line: `seachange …`. Exit codes: 0 done and good, 1 the answer is "no", 2 unusable input, 130 interrupted."""

import sys


def main() -> None:
    """Runs the command line; what the user can mend becomes one line and exit code 2."""
    try:
        # Inside the try: importing takes half a second, in which Ctrl-C must be no stack trace either.
        from seachange.cli.app import app
        from seachange.errors import SeaChangeError
        from seachange_deployments.errors import DeploymentError
        from seachange_migrations.errors import MigrationError

        try:
            app()
        except (SeaChangeError, DeploymentError, MigrationError) as error:
            print(f"seachange: {error}", file=sys.stderr)
            sys.exit(2)
    except KeyboardInterrupt:
        print("seachange: interrupted; everything that was started has been ended", file=sys.stderr)
        sys.exit(130)
