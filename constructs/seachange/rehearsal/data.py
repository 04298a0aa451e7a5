"""The database of the stage: roles, seed, sampled values, and the comparison of both releases' views of every row."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from seachange.rehearsal.errors import ConfigError, StageError


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How many rows both views were compared over, how many differ, and a few of their keys."""

    rows_checked: int
    divergent: int
    examples: tuple[str, ...]


def seed(dsn: str, script: Path, rows: int) -> None:
    """Runs the seed script with the setting `seachange.rows`."""
    with _connected(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('seachange.rows', %s, false)", [str(rows)])
        try:
            connection.execute(script.read_bytes())
        except psycopg.Error as error:
            raise ConfigError(f"{script} failed: {_first_line(error)}") from error


def sample(dsn: str, queries: Mapping[str, str]) -> dict[str, Sequence[Any]]:
    """The values that the load's placeholders take: each query's first column."""
    values: dict[str, Sequence[Any]] = {}
    with _connected(dsn, autocommit=True) as connection:
        for name, query in queries.items():
            try:
                values[name] = [row[0] for row in connection.execute(query.encode()).fetchall()]
            except psycopg.Error as error:
                raise ConfigError(f"[load.values] {name} failed: {_first_line(error)}") from error
            if not values[name]:
                raise ConfigError(
                    f"[load.values] {name} gave no row; the load would have nothing to put in {{{{{name}}}}}"
                )
    return values


def count(dsn: str, view: str) -> int:
    """How many rows a view has."""
    with _connected(dsn) as connection:
        try:
            row = connection.execute(sql.SQL("SELECT count(*) FROM ({}) AS v").format(_query(view))).fetchone()
        except psycopg.Error as error:
            raise ConfigError(f"[views] cannot be counted: {_first_line(error)}") from error
    return int(row[0]) if row else 0


def compare(dsn: str, blue_view: str, green_view: str) -> Comparison:
    """Compares every row as blue sees it with the same row as green sees it, joined on the first column."""
    with _connected(dsn) as connection:
        try:
            key = _first_column(connection, blue_view)
            joined = sql.SQL(
                "SELECT count(*), count(*) FILTER (WHERE d), (array_agg(k ORDER BY k) FILTER (WHERE d))[1:5] FROM ("
                " SELECT coalesce(b.{key}, g.{key})::text AS k, to_jsonb(b) IS DISTINCT FROM to_jsonb(g) AS d"
                " FROM ({blue}) AS b FULL JOIN ({green}) AS g ON b.{key} = g.{key}) AS compared"
            ).format(key=sql.Identifier(key), blue=_query(blue_view), green=_query(green_view))
            row = connection.execute(joined).fetchone()
        except psycopg.Error as error:
            raise ConfigError(f"[views] cannot be compared: {_first_line(error)}") from error
    rows, divergent, examples = row or (0, 0, None)
    return Comparison(rows_checked=rows, divergent=divergent, examples=tuple(examples or ()))


@contextmanager
def _connected(dsn: str, *, autocommit: bool = False) -> "Iterator[psycopg.Connection[Any]]":
    try:
        connection = psycopg.connect(dsn, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise StageError(
            f"PostgreSQL takes no connection: {_first_line(error)}; see postgres.log, and how many connections the service's pools hold"
        ) from error
    with connection:
        yield connection


def _first_column(connection: "psycopg.Connection[Any]", view: str) -> str:
    cursor = connection.execute(sql.SQL("SELECT v.* FROM ({}) AS v LIMIT 0").format(_query(view)))
    assert cursor.description is not None  # a SELECT describes its columns
    return cursor.description[0].name


def _query(text: str) -> sql.Composed:
    # A user's own query from their own file, taken as it is.
    return sql.Composed([sql.SQL(text.rstrip().rstrip(";"))])


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0]
