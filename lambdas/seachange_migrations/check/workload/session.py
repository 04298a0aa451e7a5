"""A session of the service's: as its role, with its settings, with prepared statements as drivers prepare them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus

from seachange_migrations.check.scratch import Scratch
from seachange_migrations.check.scratch.failure import Failure
from seachange_migrations.check.workload.model import Values
from seachange_migrations.check.workload.values import TEXTS
from seachange_migrations.connection import ConnectionSettings, connect

# What decides how a statement is read, and which rows a policy shows: `app.tenant` and its like.
SETTINGS = """
SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = %s))
ORDER BY s.setrole <> 0, s.setdatabase <> 0
"""
# Where the role may say so, the server does not log what fails here on purpose.
QUIET = ("SET log_min_messages = fatal", "SET log_min_error_statement = panic", "SET log_statement = 'none'")
READ = frozenset({"search_path", "datestyle", "intervalstyle", "timezone", "row_security", "bytea_output"})


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A statement that the server has parsed: the types of its parameters and of what it returns."""

    name: bytes
    parameters: tuple[int, ...]
    returns: tuple[int, ...]


class Session:
    """A connection of the service's role to the scratch database."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._number = 0

    def prepare(self, text: str, types: Sequence[int] = ()) -> Prepared | Failure:
        """Prepares a statement, with the types of parameters that its driver would name, by default none."""
        self._number += 1
        name = f"statement{self._number}".encode()
        # Drivers send texts without a type.
        named = [0 if type_ in TEXTS else type_ for type_ in types]
        result = self._pgconn.prepare(name, text.encode(), named or None)
        if result.status != ExecStatus.COMMAND_OK:
            return Failure.of(result)
        described = self._pgconn.describe_prepared(name)
        return Prepared(
            name=name,
            parameters=tuple(described.param_type(place) for place in range(described.nparams)),
            returns=tuple(described.ftype(place) for place in range(described.nfields)),
        )

    def execute(self, prepared: Prepared, values: Values) -> Failure | None:
        """Executes it and takes back what it did; what is checked at COMMIT is checked too."""
        self._pgconn.exec_(b"BEGIN")
        try:
            bound = [None if value is None else value.encode() for value in values]
            result = self._pgconn.exec_prepared(prepared.name, bound)  # type: ignore[arg-type]
            if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
                result = self._pgconn.exec_(b"SET CONSTRAINTS ALL IMMEDIATE")
            return None if result.status in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK) else Failure.of(result)
        finally:
            self._pgconn.exec_(b"ROLLBACK")


def settings_of(scratch: Scratch, role: str) -> dict[str, str]:
    """What the real database sets for `role`, and matters to its statements."""
    with connect(scratch.real) as real:
        found = {str(name).lower(): str(value) for name, value in real.execute(SETTINGS, [role]).fetchall()}
    return {name: value for name, value in found.items() if name in READ or "." in name}


@contextmanager
def session(
    scratch: Scratch, role: str, settings: Mapping[str, str], login: ConnectionSettings | None
) -> Iterator[Session]:
    """A session as `role`, which logs in with `login`, or else is taken on by the role of `scratch`.

    Raises psycopg.Error when that is not allowed.
    """
    with connect(login or scratch.settings) as connection:
        connection.execute("SET statement_timeout = '5s'; SET lock_timeout = '2s'")
        for setting in QUIET:
            with suppress(psycopg.Error):
                connection.execute(setting.encode())
        for name, value in settings.items():
            # A search_path is a list already.
            given = sql.SQL(value) if name == "search_path" else sql.Literal(value)
            statement = sql.SQL("SET {} = {}").format(sql.Identifier(*name.split(".")), given)
            connection.execute(statement)
        if login is None and role != scratch.settings.user:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        yield Session(connection)
