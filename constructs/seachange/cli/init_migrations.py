"""`seachange init-migrations`"""

from pathlib import Path
from typing import Annotated

import typer


def init_migrations(
    directory: Annotated[Path, typer.Argument(help="Where to write env.py, script.py.mako and versions/.")] = Path(
        "migrations"
    ),
    metadata: Annotated[
        str | None, typer.Option(help="Your models, as in shop.models:Base; without, fill in target_metadata yourself.")
    ] = None,
) -> None:
    """Make an Alembic directory.

    Its revisions run one by one, each in its own transaction. An Alembic directory that you have already works as it is. Nothing is ever overwritten.

    Exit code 0: it is written. 2: unusable input, or something is there already.
    """
    from seachange.authoring.init import init_migrations as init

    for path in init(directory, metadata=metadata):
        print(path)
    print(f'next: seachange revision {directory} --autogenerate -m "first tables" --url postgresql://…')
