"""Databases of their own and small Alembic directories for the tests of the engine."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from seachange.rehearsal.stage.postgres import PostgresServer
from seachange_migrations.connection import ConnectionSettings

NUMBERS = count(1)
MASTER_PASSWORD = "m%as/t:e@r"

TAKES_THE_CONNECTION = """
from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
"""

# As `alembic init` writes it: it knows of no connection that somebody else brings.
MAKES_ITS_OWN_ENGINE = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
section = config.get_section(config.config_ini_section, {})
engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True)
class Database:
    """An empty database whose owner is like Amazon RDS's master: CREATEROLE and CREATEDB, and no superuser."""

    server: PostgresServer
    name: str

    def settings(self, user: str, password: str) -> ConnectionSettings:
        return ConnectionSettings(
            host=self.server.host, port=self.server.port, database=self.name, user=user, password=password
        )

    @property
    def master(self) -> ConnectionSettings:
        return self.settings(f"{self.name}_master", MASTER_PASSWORD)

    @property
    def owner(self) -> ConnectionSettings:
        return self.settings(f"{self.name}_owner", "owner's password")

    @property
    def application(self) -> ConnectionSettings:
        return self.settings(f"{self.name}_app", "application's password")

    def connect(self, settings: ConnectionSettings | None = None, *, application_name: str = "") -> psycopg.Connection:
        """An autocommitting session, the superuser's by default."""
        role = {"user": settings.user, "password": settings.password} if settings else {}
        dsn = self.server.dsn(self.name, **role)
        return psycopg.connect(dsn, autocommit=True, application_name=application_name)

    def rows(self, query: str, settings: ConnectionSettings | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query; of a statement without rows, none."""
        with self.connect(settings) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def server_log(self) -> str:
        """The server's log; in it are the statements of a database that logs them."""
        return self.server.log.read_text("utf-8")

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


@contextmanager
def made(server: PostgresServer, prefix: str) -> Iterator[Database]:
    """A database of its own, with roles of its own; nobody is left in it."""
    found = Database(server, f"{prefix}{next(NUMBERS)}")
    server.create_role(found.master.user, MASTER_PASSWORD, options="CREATEROLE CREATEDB")
    server.create_database(found.name, owner=found.master.user)
    yield found
    with found.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


class AlembicDirectory:
    """An Alembic directory that grows revision by revision."""

    def __init__(self, path: Path, env: str = TAKES_THE_CONNECTION) -> None:
        self.path = path
        (path / "versions").mkdir(parents=True)
        (path / "env.py").write_text(env, "utf-8")

    def revision(
        self, identifier: str, down: str | None, sql: str | None = None, *, body: str = "pass", **attributes: Any
    ) -> None:
        """Writes a revision that executes one `sql` statement, or else has the given function `body`."""
        body = f"op.execute({sql!r})" if sql else textwrap.dedent(body)
        named = {"revision": identifier, "down_revision": down, **attributes}
        lines = ["from alembic import op", "", *(f"{name} = {value!r}" for name, value in named.items())]
        lines += ["", "def upgrade():", textwrap.indent(body, "    ")]
        (self.path / "versions" / f"{identifier}.py").write_text("\n".join(lines) + "\n", "utf-8")

    def example(self) -> "AlembicDirectory":
        """The recommended layout: 0001, then expand 0002 and contract 0003, which depends on it."""
        self.revision("0001", None, "CREATE TABLE customers (id int PRIMARY KEY, address text)")
        self.revision("0002", "0001", "ALTER TABLE customers ADD COLUMN city text", branch_labels=("expand",))
        self.revision(
            "0003",
            "0001",
            "ALTER TABLE customers DROP COLUMN address",
            branch_labels=("contract",),
            depends_on="0002",
        )
        return self
