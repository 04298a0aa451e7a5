"""An Alembic directory: its revisions, and its env.py, through which the database is read and upgraded."""

import configparser
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.errors import InvalidDirectoryError, MigrationError, one_line
from seachange_migrations.exits import exits_told
from seachange_migrations.failures import INSUFFICIENT_PRIVILEGE, drivers_words, sqlstate
from seachange_migrations.reading import located, revisions

INI = "alembic.ini"


class MigrationDirectory:
    """The Alembic directory at `path`, for the database of `settings`.

    Its env.py may take the connection from `config.attributes["connection"]`, or make an engine of its own from
    `sqlalchemy.url`. Raises InvalidDirectoryError when the revisions cannot be read.
    """

    def __init__(self, path: Path, settings: ConnectionSettings) -> None:
        self.path = path
        self.version_table = ""
        self.config = configuration(path)
        url = settings.url().render_as_string(hide_password=False)
        self.config.set_main_option("sqlalchemy.url", _literal(url))
        self.script = load(path, self.config)

    def attach(self, connection: Connection) -> None:
        """Hands `connection` to env.py, if it takes one."""
        self.config.attributes["connection"] = connection

    def heads(self) -> tuple[str, ...]:
        """The database's revisions, sorted; none for an empty one.

        Raises InvalidDirectoryError when env.py fails, and MigrationError when the role may not read them.
        """
        found: list[str] = []

        def read(heads: Any, context: MigrationContext) -> list[Any]:
            self._refuse_another_database(context)
            found.extend(heads)
            self.version_table = _qualified_version_table(context)
            return []

        try:
            self._run(read, dont_mutate=True)
        except MigrationError:
            raise
        except Exception as error:
            if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
                raise MigrationError(self._forbidden(error)) from error
            raise self._failed(error) from error
        if not self.version_table:
            raise InvalidDirectoryError(
                f"{self.path / 'env.py'} does not call context.run_migrations(), so nothing would be migrated: call it"
            )
        return tuple(sorted(found))

    def upgrade(
        self,
        revision: str,
        *,
        comment: str | None = None,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
        after: Callable[[Connection], None] | None = None,
    ) -> None:
        """Applies `revision`, whose ancestors are applied, in a transaction of its own. Raises what the revision raises.

        `comment` is set on the version table in the same transaction. `around` is entered around the revision's function;
        `after` is called behind it, in its last transaction, which is rolled back when it raises.
        """

        def steps(heads: Any, context: MigrationContext) -> list[Any]:
            if comment is not None and context.connection is not None:
                table = _qualified_version_table(context)
                context.connection.exec_driver_sql(f"COMMENT ON TABLE {table} IS '{comment}'")
            # As alembic.command.upgrade does, which would read every revision file anew for each revision.
            found = list(self.script._upgrade_revs(revision, heads))
            for step in found:
                step.migration_fn = _within(around, step.migration_fn, context, after)
            return found

        self._run(steps, destination_rev=revision)

    def _refuse_another_database(self, context: MigrationContext) -> None:
        """Raises InvalidDirectoryError where env.py connects by itself, and to another database than the one named."""
        ours, theirs = self.config.attributes["connection"], context.connection
        if theirs is None or theirs is ours:
            return
        elsewhere = theirs.dialect.name != ours.dialect.name or _identity(theirs) != _identity(ours)
        if elsewhere:
            raise InvalidDirectoryError(
                f"{self.path / 'env.py'} connects to {theirs.engine.url.render_as_string()}, which is not the database to "
                'migrate: let it take config.attributes["connection"], or the option sqlalchemy.url'
            )

    def _failed(self, error: Exception) -> InvalidDirectoryError:
        env = self.path / "env.py"
        return InvalidDirectoryError(f"{env} failed: {located(error, env)}")

    def _forbidden(self, error: Exception) -> str:
        role = self.config.attributes["connection"].engine.url.username
        words = drivers_words(error)
        denied = words.removeprefix("permission denied for table ")
        what = f"may not read {denied}" if denied != words else f"may not read the revisions, {words}"
        return f"role {role} {what}: connect as the role that owns it"

    def _run(self, function: Callable[[Any, MigrationContext], list[Any]], **options: Any) -> None:
        connection: Connection = self.config.attributes["connection"]
        try:
            env = EnvironmentContext(self.config, self.script, fn=function, **options)
            with exits_told(self._failed), env, quiet():
                self.script.run_env()
            if connection.closed:
                raise InvalidDirectoryError(
                    f"{self.path / 'env.py'} closes the connection that it takes from config.attributes, and with it "
                    "goes the migration lock: leave it open"
                )
            # An env.py that reads before it configures has begun a transaction, which Alembic then leaves to it.
            connection.commit()
        except BaseException:
            connection.rollback()
            raise


def _identity(connection: Connection) -> tuple[Any, ...]:
    """What two sessions have in common when they are in one database of one running server."""
    return tuple(connection.exec_driver_sql("SELECT current_database(), pg_postmaster_start_time()").one())


@contextmanager
def quiet() -> Iterator[None]:
    """Alembic's own loggers say nothing below WARNING: an env.py runs several times, and turns them to INFO each time.

    As `alembic init` writes it, it does so with `fileConfig`, which sets levels and handlers anew, and leaves filters.
    """
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "alembic"]
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        logger.addFilter(_is_grave)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_grave)


def _is_grave(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _within(
    around: Callable[[], AbstractContextManager[None]],
    function: Callable[..., None],
    context: MigrationContext,
    after: Callable[[Connection], None] | None,
) -> Callable[..., None]:
    # Alembic's log calls the step by the function's name: Running upgrade.
    @wraps(function)
    def called(**arguments: Any) -> None:
        with around(), exits_told():
            function(**arguments)
        if after is not None and context.connection is not None:
            after(context.connection)

    return called


def configuration(path: Path) -> Config:
    """Alembic's settings for the directory at `path`: those of the alembic.ini in or beside it, where there is one.

    An env.py sets up logging from it, and it tells where further revisions are. Raises InvalidDirectoryError where it
    cannot be read.
    """
    inis = (folder / INI for folder in (path, path.parent))
    config = next((Config(ini) for ini in inis if ini.is_file() and _belongs(ini, path)), Config())
    config.set_main_option("script_location", _literal(str(path)))
    return config


def _belongs(ini: Path, path: Path) -> bool:
    """Whether `ini` is the one of `path`: it lies in it, or names it."""
    try:
        location = Config(ini).get_main_option("script_location", "")
    except configparser.Error as error:
        raise InvalidDirectoryError(f"{str(ini)!r} cannot be read: {one_line(error)}") from error
    # A folder, or one in a package: package:folder.
    return ini.parent == path or Path(location.rpartition(":")[2]).name == path.resolve().name


def _literal(text: str) -> str:
    """As a configuration parser reads it: % begins an interpolation."""
    return text.replace("%", "%%")


def load(path: Path, config: Config) -> ScriptDirectory:
    """The revisions in the Alembic directory at `path`. Raises InvalidDirectoryError when they cannot be read."""
    if not (path / "env.py").is_file():
        raise InvalidDirectoryError(
            f"{str(path)!r} is no Alembic directory: it has no env.py. Name the folder that `alembic init` made."
        )
    # They add themselves to Alembic's `op`, and revisions need not import them.
    import_module("seachange_migrations.operations")
    return revisions(path, config)


def _qualified_version_table(context: MigrationContext) -> str:
    quote = context.dialect.identifier_preparer.quote
    return ".".join(quote(name) for name in (context.version_table_schema, context.version_table) if name)
