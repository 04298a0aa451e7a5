"""Keeps revisions inside the scratch database, whose server it shares with the real one.

An env.py may connect to wherever it likes, and roles, databases and tablespaces belong to the whole server: a revision that
sets a role's password would set it anew for everybody.
"""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event

from seachange_migrations.check.blocks import statements_in
from seachange_migrations.check.parser import NotParsedError, Parsed, name_of, parse
from seachange_migrations.check.scratch.errors import ScratchError
from seachange_migrations.check.statement import Statement
from seachange_migrations.connection import ConnectionSettings
from seachange_migrations.running import TimeLeft

# https://www.postgresql.org/docs/current/managing-databases.html: what one server has in common for all of its databases.
SHARED = frozenset(
    {
        *("CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt", "GrantRoleStmt"),
        *("DropOwnedStmt", "ReassignOwnedStmt", "AlterSystemStmt"),
        *("CreatedbStmt", "DropdbStmt", "AlterDatabaseStmt", "AlterDatabaseSetStmt", "AlterDatabaseRefreshCollStmt"),
        *("CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterTableSpaceOptionsStmt"),
        *("CreateSubscriptionStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt"),
    }
)
SHARED_OBJECTS = frozenset({"OBJECT_DATABASE", "OBJECT_ROLE", "OBJECT_TABLESPACE", "OBJECT_SUBSCRIPTION"})
OBJECT_FIELDS = ("objtype", "rename_type", "object_type")

REACHES_OUT = """
SELECT 'extension ' || extname FROM pg_extension
WHERE extname IN ('dblink', 'postgres_fdw', 'oracle_fdw', 'mysql_fdw', 'tds_fdw', 'aws_lambda', 'aws_s3', 'aws_ml', 'http', 'pg_net')
UNION ALL SELECT 'foreign server ' || srvname FROM pg_foreign_server
ORDER BY 1 LIMIT 1
"""


def refuse_what_reaches_out(real: psycopg.Connection) -> None:
    """Raises ScratchError when statements in this database may have an effect elsewhere, which they would have twice."""
    found = real.execute(REACHES_OUT).fetchone()
    if found:
        raise ScratchError(
            f"the database has {found[0]}, with which a statement in a scratch database reaches beyond it"
        )


@contextmanager
def fenced(scratch: ConnectionSettings, time_left: TimeLeft) -> Iterator[None]:
    """While it lasts, this thread's SQLAlchemy connections reach no other database than that of `scratch`.

    Statements about what the whole server shares are left out. Statements end when `time_left` is used up.
    """
    thread = threading.get_ident()

    def begin(connection: Connection) -> None:
        if threading.get_ident() != thread:
            return
        found = connection.exec_driver_sql("SELECT current_database()").scalar()
        if found != scratch.database:
            raise ScratchError(
                f"env.py connects to database {found!r} and not to the one that it is given: take the connection from "
                'config.attributes["connection"], or the URL from config.get_main_option("sqlalchemy.url")'
            )
        if math.isfinite(left_s := time_left()):
            connection.exec_driver_sql(f"SET statement_timeout = {max(1, math.ceil(left_s * 1000))}")

    def before_cursor_execute(
        _: Connection, __: Any, statement: str, parameters: Any, ___: Any, ____: bool
    ) -> tuple[str, Any]:
        if threading.get_ident() == thread and _is_shared(statement):
            return "SELECT 'left out: it is about the whole server'", ()
        return statement, parameters

    event.listen(Engine, "begin", begin)
    event.listen(Engine, "before_cursor_execute", before_cursor_execute, retval=True)
    try:
        yield
    finally:
        event.remove(Engine, "begin", begin)
        event.remove(Engine, "before_cursor_execute", before_cursor_execute)


def _is_shared(sql: str) -> bool:
    """Whether `sql` is all about what the server shares. Raises ScratchError when only a part of it is."""
    try:
        statements = [found for parsed in parse(Statement(sql=sql)) for found in _with_blocks(parsed)]
    except NotParsedError:
        return False  # with a driver's placeholders; the server takes none of them in such statements
    shared = [_names_shared(found) for found in statements]
    if any(shared) and not all(shared):
        raise ScratchError("a revision changes roles or databases, which the whole server shares, among other things")
    return any(shared)


def _with_blocks(parsed: Parsed) -> list[Parsed]:
    return statements_in(parsed)[0] or [parsed] if parsed.kind == "DoStmt" else [parsed]


def _names_shared(parsed: Parsed) -> bool:
    if parsed.kind in SHARED:
        return True
    return any(
        name_of("ObjectType", getattr(parsed.node, field)) in SHARED_OBJECTS
        for field in OBJECT_FIELDS
        if field in parsed.node.DESCRIPTOR.fields_by_name
    )
