"""The scratch database's life: made, brought to the real one's schema, compared, dropped."""

import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from seachange_migrations.check.scratch import schema
from seachange_migrations.check.scratch.catalog import compare, read
from seachange_migrations.check.scratch.errors import ScratchError
from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.errors import MigrationError, one_line
from seachange_migrations.exits import EndedError
from seachange_migrations.running import TimeLeft, endless

PREFIX = "seachange_scratch_"
# Older than any call of a Lambda, so that its maker is gone.
STALE_AFTER_S = 3600

# The locale's own column has another name in each of PostgreSQL's versions from 15 to 17.
LIKE_THE_REAL_ONE = """
SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, d.datlocprovider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
FROM pg_database d WHERE d.datname = current_database()
"""
SET_FOR_ALL = """
SELECT lower(split_part(setting, '=', 1)), substr(setting, strpos(setting, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN LATERAL unnest(s.setconfig) setting
WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
LISTS = frozenset(
    {"search_path", "datestyle", "temp_tablespaces", "session_preload_libraries", "local_preload_libraries"}
)
STALE = """
SELECT d.datname FROM pg_database d
WHERE starts_with(d.datname, %s) AND pg_has_role(d.datdba, 'MEMBER')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid)
"""


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A scratch database.

    `real` and `settings` are the two databases for the same role. `source` says in words where its schema comes from.
    `differences` says by table (`schema.name`) in what it differs from the real one's, and under the empty name what differs
    outside of tables.
    """

    real: ConnectionSettings
    settings: ConnectionSettings
    source: str
    differences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@contextmanager
def scratch(
    settings: ConnectionSettings,
    directory: Path,
    *,
    creator: ConnectionSettings | None = None,
    time_left: TimeLeft = endless,
) -> Iterator[Scratch]:
    """A scratch database at the current schema of the database of `settings`, dropped on every exit.

    `creator` makes it, and needs CREATEDB; the role of `settings` by default, which then owns it. Those that an earlier
    process left behind when it was killed go first. Raises ScratchError.
    """
    with connect(creator or settings) as administration, _ending_as_an_exception():
        drop_stale(administration)
        name = _create(administration, owner=settings.user)
        made = replace(settings, database=name)
        try:
            _set_alike(administration, settings, name)
            source = _fill(
                settings,
                made,
                directory,
                administrator=replace(creator or settings, database=name),
                time_left=time_left,
            )
            yield Scratch(real=settings, settings=made, source=source, differences=_differences(settings, made))
        finally:
            _drop(administration, name)


def drop_stale(connection: psycopg.Connection, older_than_s: float = STALE_AFTER_S) -> list[str]:
    """Drops scratch databases of `connection`'s roles that nobody uses and that are older than an hour; their names."""
    dropped = []
    for (name,) in connection.execute(STALE, [PREFIX]).fetchall():
        made_at = name.removeprefix(PREFIX).split("_")[0]
        if made_at.isdecimal() and time.time() - int(made_at) > older_than_s:
            _drop(connection, name)
            dropped.append(name)
    return dropped


def _create(connection: psycopg.Connection, *, owner: str) -> str:
    allowed = connection.execute("SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if not allowed or not allowed[0]:
        raise ScratchError(
            f"role {connection.info.user!r} may not create a scratch database: ALTER ROLE {connection.info.user} CREATEDB"
        )
    name = f"{PREFIX}{int(time.time())}_{secrets.token_hex(4)}"
    encoding, collate, ctype, provider, locale = _one(connection, LIKE_THE_REAL_ONE)
    # Not from template1, which somebody may be connected to, and in which others may have put things.
    statement = sql.SQL(
        "CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {} LOCALE_PROVIDER {}"
    ).format(
        sql.Identifier(name),
        sql.Identifier(owner),
        sql.Literal(encoding),
        sql.Literal(collate),
        sql.Literal(ctype),
        sql.SQL({"i": "icu", "b": "builtin"}.get(provider, "libc")),
    )
    if provider in ("i", "b"):
        option = sql.SQL(" ICU_LOCALE {}" if provider == "i" else " BUILTIN_LOCALE {}")
        statement += option.format(sql.Literal(locale))
    try:
        connection.execute(statement)
        # Nobody but its owner and those who are members of it: there will be rows of the real database in it.
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise ScratchError(
            f"role {connection.info.user!r} cannot create a scratch database: {one_line(error, 300)}"
        ) from error
    return name


def _set_alike(administration: psycopg.Connection, settings: ConnectionSettings, name: str) -> None:
    """Sets for the scratch database what is set for the real one, such as its search_path, as far as that is allowed."""
    with connect(settings) as real:
        found = real.execute(SET_FOR_ALL).fetchall()
    for setting, value in found:
        # A list is a list already.
        given = sql.SQL(value) if setting in LISTS else sql.Literal(value)
        statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
        with suppress(psycopg.Error):
            administration.execute(statement.format(sql.Identifier(name), sql.Identifier(*setting.split(".")), given))


def _fill(
    real: ConnectionSettings,
    made: ConnectionSettings,
    directory: Path,
    *,
    administrator: ConnectionSettings,
    time_left: TimeLeft,
) -> str:
    try:
        return schema.copy(real, made, directory, administrator=administrator, time_left=time_left)
    except ScratchError:
        raise
    except (psycopg.Error, SQLAlchemyError, MigrationError, OSError) as error:
        raise ScratchError(
            f"the scratch database does not get to the current schema: {one_line(error, 500)}"
        ) from error


def _differences(real: ConnectionSettings, made: ConnectionSettings) -> dict[str, tuple[str, ...]]:
    with connect(real) as source, connect(made) as copy:
        try:
            return compare(read(source), read(copy))
        except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled) as error:
            raise ScratchError(
                f"the real database's catalog could not be read within seconds: {one_line(error, 200)}; somebody keeps a table locked"
            ) from error


def _drop(connection: psycopg.Connection, name: str) -> None:
    """A session of ours may still be on its way out; of others there is none that matters, for the database is ours."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    for attempt in range(5):
        try:
            connection.execute(statement)
        except (psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege):
            if attempt == 4:
                raise
            time.sleep(0.2)
        else:
            return


@contextmanager
def _ending_as_an_exception() -> Iterator[None]:
    """Makes SIGTERM an exception meanwhile, so that what must be dropped is dropped."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    ):
        yield
        return

    def end(number: int, _: Any) -> None:
        raise EndedError(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _one(connection: psycopg.Connection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None  # the query has one row, always
    return row
