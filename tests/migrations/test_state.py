"""The engine's own schema: made once, extended, shared with newer and older engines, and closed to the application."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Connection, NullPool, create_engine

from seachange_migrations import state
from seachange_migrations.connection import ConnectionSettings, open_connection
from seachange_migrations.errors import StateError
from seachange_migrations.roles import ensure_roles
from tests.migrations.databases import Database

TABLES = {"engine", "journal", "sync", "repair", "backfill", "backfill_range"}


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with open_connection(database.master) as found:
        yield found


def tables(database: Database) -> set[str]:
    return {name for (name,) in database.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'seachange'")}


def version(database: Database) -> list[tuple[int]]:
    return database.rows("SELECT version FROM seachange.engine")


def test_made_on_first_need_and_once(database: Database, connection: Connection) -> None:
    assert not state.exists(connection)
    state.ensure(connection)
    assert tables(database) == set(), "it belongs to the transaction of its caller"
    state.ensure(connection)
    connection.commit()
    assert state.exists(connection)
    assert tables(database) == TABLES
    assert version(database) == [(state.VERSION,)]


def test_in_autocommit_it_is_all_or_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(database.master.url(), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with monkeypatch.context() as broken, engine.connect() as connection:
        broken.setattr(state, "STATEMENTS", (*state.STATEMENTS, "SELECT 1 / 0"))
        with pytest.raises(Exception, match="division by zero"):
            state.ensure(connection)
    assert tables(database) == set()
    with engine.connect() as connection:
        state.ensure(connection)
    assert tables(database) == TABLES


def test_an_older_one_is_added_to(database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    state.ensure(connection)
    database_version = state.VERSION
    additions = {database_version + 1: ["ALTER TABLE seachange.sync ADD COLUMN note text NOT NULL DEFAULT 'a:b 5%'"]}
    monkeypatch.setattr(state, "VERSION", database_version + 1)
    monkeypatch.setattr(state, "ADDITIONS", {**state.ADDITIONS, **additions})
    state.ensure(connection)
    connection.exec_driver_sql(
        "INSERT INTO seachange.sync (name, schema_name, table_name, key_columns, old_columns, new_columns, lossy, revision)"
        " VALUES ('a', 'public', 't', '{id}', '{a}', '{b}', false, '1')"
    )
    assert connection.exec_driver_sql("SELECT note FROM seachange.sync").all() == [("a:b 5%",)]
    connection.commit()
    assert version(database) == [(database_version + 1,)]


def test_a_newer_one_is_left_as_it_is(database: Database, connection: Connection) -> None:
    state.ensure(connection)
    connection.exec_driver_sql("UPDATE seachange.engine SET version = 999")
    state.ensure(connection)
    connection.commit()
    assert version(database) == [(999,)]


def refused(settings: ConnectionSettings) -> str:
    with open_connection(settings) as connection, pytest.raises(StateError) as caught:
        state.ensure(connection)
    return str(caught.value)


def test_a_role_that_may_not_make_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_roles(database.master, database.owner, database.application, lambda _: None)
    message = refused(database.application)
    assert message.endswith(f'GRANT CREATE ON DATABASE {database.name} TO "{database.application.user}"')
    database.rows(message.partition("Allow it: ")[2])
    with open_connection(database.owner) as connection:
        state.ensure(connection)
        connection.commit()
    monkeypatch.setattr(state, "VERSION", 1000)
    assert "migrate as that role" in refused(database.application)


def test_a_schema_of_somebody_else(database: Database) -> None:
    database.rows("CREATE SCHEMA seachange")
    assert "is not the engine's" in refused(database.master)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_the_application_reads_and_does_not_write(database: Database, table: str) -> None:
    ensure_roles(database.master, database.owner, database.application, lambda _: None)
    with open_connection(database.owner) as connection:
        state.ensure(connection)
        connection.commit()
    database.rows(f"SELECT * FROM seachange.{table}", database.application)
    for statement in (f"INSERT INTO seachange.{table} DEFAULT VALUES", f"DELETE FROM seachange.{table}"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.rows(statement, database.application)
