"""Runs the directory's env.py and compares its models with the database."""

from typing import Any

from alembic.autogenerate.api import AutogenContext, produce_migrations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError

from seachange.authoring.changes import Changes
from seachange.authoring.errors import AuthoringError
from seachange.authoring.schemas import include
from seachange.authoring.split import split
from seachange_migrations.directory import MigrationDirectory, quiet
from seachange_migrations.errors import MigrationError, one_line
from seachange_migrations.exits import exits_told
from seachange_migrations.guards import refuse_unknown
from seachange_migrations.plan import pending


def changes(migrations: MigrationDirectory) -> tuple[Changes, set[str]]:
    """What brings the database to the models, and the imports that the statements need; the database stays as it is.

    Raises AuthoringError when the database is not at the directory's heads, when env.py has no models, or when it fails.
    """
    found: list[tuple[Changes, set[str]]] = []

    def compare(heads: Any, context: MigrationContext) -> list[Any]:
        refuse_unknown(migrations.script, heads)
        if waiting := pending(migrations.script, heads, "heads"):
            raise AuthoringError(
                f"the database has not run {', '.join(waiting)}, so it would be compared with half a history: run "
                "`seachange migrate`, both phases, on a database of your own first"
            )
        metadata = context.opts["target_metadata"]
        if metadata is None:
            raise AuthoringError(
                f"{migrations.path / 'env.py'} gives no target_metadata: set it to your models' metadata. Where it imports them, "
                "see that they can be imported from here"
            )
        include(context)
        autogen = AutogenContext(context, metadata=metadata)
        script = produce_migrations(context, metadata)
        assert script.upgrade_ops is not None
        found.append((split(autogen, script.upgrade_ops), autogen.imports))
        return []

    try:
        env = EnvironmentContext(migrations.config, migrations.script, fn=compare, dont_mutate=True)
        with exits_told(), env, quiet():
            migrations.script.run_env()
    except (AuthoringError, MigrationError):
        raise
    except CommandError as error:
        raise AuthoringError(one_line(error)) from error
    except Exception as error:
        raise AuthoringError(
            f"{migrations.path / 'env.py'}, or what it imports, failed: {type(error).__name__}: {one_line(error)}"
        ) from error
    if not found:
        raise AuthoringError(f"{migrations.path / 'env.py'} does not call context.run_migrations(): call it")
    return found[0]
