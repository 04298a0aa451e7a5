"""A service with a role of its own, whose statements PostgreSQL counts."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql

from seachange_migrations.check.scratch import scratch
from seachange_migrations.check.scratch.database import PREFIX
from seachange_migrations.check.workload import Proof, collect, prove
from seachange_migrations.migrate import migrate
from tests.migrations.databases import AlembicDirectory, Database

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "service/migrations"


class Service:
    """The application role of `database`, which may read and write rows."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = database.application
        with database.connect() as connection:
            name = sql.Identifier(self.settings.user)
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(self.settings.password))
            connection.execute(create)
            connection.execute("CREATE EXTENSION pg_stat_statements")
            # The server keeps 5,000 statements of all its databases: other tests' crowd out what this one executes but once.
            connection.execute("SELECT pg_stat_statements_reset()")
            master = sql.Identifier(database.master.user)
            connection.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(master))
            connection.execute(sql.SQL("GRANT {} TO {}").format(name, master))
            connection.execute(
                sql.SQL(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}"
                ).format(master, name)
            )
            connection.execute(
                sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT USAGE ON SEQUENCES TO {}").format(master, name)
            )

    def executes(self, *statements: str | tuple[str, Sequence[Any]]) -> None:
        """Executes them as the service does."""
        with self.database.connect(self.settings) as connection:
            for statement in statements:
                text, parameters = (statement, None) if isinstance(statement, str) else statement
                connection.execute(text.encode(), parameters)

    @contextmanager
    def executing(self, statement: str) -> Iterator[None]:
        """Executes it again and again meanwhile, for the first time before."""
        begun, ended = threading.Event(), threading.Event()

        def execute() -> None:
            with self.database.connect(self.settings) as connection:
                while not ended.wait(0.02):
                    connection.execute(statement.encode())
                    begun.set()

        thread = threading.Thread(target=execute)
        thread.start()
        assert begun.wait(10)
        try:
            yield
        finally:
            ended.set()
            thread.join()


def proven(database: Database, directory: AlembicDirectory, *revisions: str, interval_s: float = 0) -> Proof:
    """The proof that the service's statements so far work after `revisions`, which follow what the database has.

    Its role is known to be the service's, and the master's to be none.
    """
    service = database.application.user
    workload = collect(database.master, directory.path, service=service, interval_s=interval_s)
    with scratch(database.master, directory.path) as made:
        return prove(made, directory.path, revisions, workload)


def migrated(database: Database, directory: AlembicDirectory, schema: str) -> None:
    """Brings `database` to a first revision with this schema."""
    directory.revision("0001", None, schema)
    migrate(database.master, directory.path, target="0001")


def scratches(database: Database) -> list[str]:
    """The scratch databases on the server."""
    return [
        name for (name,) in database.rows(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{PREFIX}')")
    ]
