"""The example: the customers service, deployed blue/green with its migrations.

Context: `-c release=v1|v2` (v1 by default) and `-c environment=dev|prod` (dev by default).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk

from seachange import SeaChangeError, keep_frozen
from stacks import settings
from stacks.data import DataStack
from stacks.service import CustomersStack


def main(context: Mapping[str, str] | None = None) -> int:
    """Synthesizes both stacks; `context` besides what the CDK's command line gives. Exit code 2, and one line, for what cannot work."""
    app = cdk.App(context=context)
    try:
        keep_frozen(app, record=Path(__file__).parent / "stacks/frozen.json")
        release = settings.release(_context(app, "release", "v1"))
        environment = settings.environment(_context(app, "environment", "dev"))
        data = DataStack(app, environment.data_stack, environment=environment)
        service = CustomersStack(app, environment.service_stack, environment=environment, release=release)
        service.add_stack_dependency(data)
        app.synth()
    except SeaChangeError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    return 0


def _context(app: cdk.App, name: str, default: str) -> str:
    given = app.node.try_get_context(name)
    return default if given is None else str(given)


if __name__ == "__main__":
    sys.exit(main())
