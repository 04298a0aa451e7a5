"""A revision dies at any of its statements and is run again: the database is then as after an undisturbed run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from seachange_migrations import migrate as engine
from seachange_migrations.phases import Phase
from tests.migrations.databases import AlembicDirectory, Database
from tests.migrations.operations.recipes import RECIPES, Recipe, begin, found
from tests.migrations.sync.shop import Shop

# After which a death tells something: a read changes nothing, functions come in the transaction of what follows, and a backfill's batches
# are killed by tests of their own.
COMMITTING = ("COMMIT", "CREATE UNIQUE INDEX CONC", "DROP INDEX CONC")
TELLING = (*COMMITTING, "ALTER", "CREATE TRIGGER", "DROP TRIGGER", "LOCK")


@contextmanager
def dying(database: Database, telling: tuple[str, ...], *, at: int) -> Iterator[list[str]]:
    """Has the server end the session that has executed the telling statement of that number; the list of them all."""
    seen: list[str] = []

    def listen(connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if statement.lstrip().startswith(telling):
            seen.append(statement)
            if len(seen) == at:
                pid = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
                database.rows(f"SELECT pg_terminate_backend({pid}, 5000)")

    event.listen(sa.Engine, "after_cursor_execute", listen)
    try:
        yield seen
    finally:
        event.remove(sa.Engine, "after_cursor_execute", listen)


def by_plain_alembic(database: Database, _: AlembicDirectory, recipe: Recipe) -> Callable[[], None]:
    def run() -> None:
        def body(op: Any) -> None:
            exec(recipe.body, {"op": op})

        Shop(database).migrate(body)

    if recipe.before:
        Shop(database).migrate(lambda op: exec(recipe.before, {"op": op}))
    return run


def by_the_engine(database: Database, directory: AlembicDirectory, recipe: Recipe) -> Callable[[], None]:
    if not list((directory.path / "versions").glob("*.py")):
        directory.revision("0001", None, body=recipe.before or "pass")
        directory.revision("0002", "0001", body=recipe.body)
    engine.migrate(database.master, directory.path, target="0001")

    def run() -> None:
        # It goes on in another session by itself.
        engine.migrate(database.master, directory.path, Phase.CONTRACT if recipe.before else Phase.EXPAND)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("by", [by_plain_alembic, by_the_engine])
@pytest.mark.parametrize("name", RECIPES)
def test_it_goes_on_after_any_death(
    database: Database,
    directory: AlembicDirectory,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    by: Callable[[Database, AlembicDirectory, Recipe], Callable[[], None]],
) -> None:
    monkeypatch.setattr(engine, "RECONNECT_PAUSE_S", 0.0)
    # What a death inside a transaction leaves is the same for both.
    telling = TELLING if by is by_plain_alembic else COMMITTING
    begin(database)
    run = by(database, directory, RECIPES[name])
    with dying(database, telling, at=0) as statements:
        run()
    assert statements
    undisturbed = found(database)
    for at, statement in enumerate(statements, 1):
        begin(database)
        run = by(database, directory, RECIPES[name])
        with dying(database, telling, at=at) as seen:
            try:
                run()
            except sa.exc.SQLAlchemyError:
                assert by is by_plain_alembic
        assert len(seen) >= at
        run()
        assert found(database) == undisturbed, statement
