"""Statements of two releases, at random: what each writes, to which rows, with which columns."""

from dataclasses import dataclass
from typing import Any

import psycopg
from hypothesis import strategies as st

from tests.migrations.sync.pairs import Pair

KEYS = 5


@dataclass(frozen=True)
class Write:
    """One statement: what it does, to which rows, with which columns."""

    kind: str
    side: str
    keys: tuple[int, ...]
    values: dict[str, Any]
    note: int
    session: int


def writes(pair: Pair) -> st.SearchStrategy[list[Write]]:
    def by(columns: dict[str, list[Any]], name: str) -> st.SearchStrategy[Write]:
        some = st.dictionaries(st.sampled_from(sorted(columns)), st.integers(0, 99), min_size=1).map(
            lambda picked: {column: columns[column][number % len(columns[column])] for column, number in picked.items()}
        )
        kinds = st.sampled_from(
            ["insert", "update", "many", "full", "upsert", "merge", "copy", "delete", "note", "rekey"]
        )
        keys = st.lists(st.integers(1, KEYS), min_size=1, max_size=3, unique=True).map(tuple)
        return st.builds(Write, kinds, st.just(name), keys, some, st.integers(0, 9), st.integers(0, 1))

    both = {**pair.old, **pair.new}
    return st.lists(st.one_of(by(pair.old, "blue"), by(pair.new, "green"), by(both, "both")), min_size=1, max_size=10)


def statement_of(write: Write, pair: Pair) -> tuple[str, list[Any]]:
    """The statement, with a place for the table's name."""
    columns, values = list(write.values), list(write.values.values())
    keys = ", ".join(map(str, write.keys))
    marks = ", ".join(["%s"] * len(columns))
    names = ", ".join(columns)
    sets = ", ".join(f"{column} = %s" for column in columns)
    match write.kind:
        case "insert":
            rows = ", ".join(f"({key}, {marks})" for key in write.keys)
            return f"INSERT INTO {{t}} (id, {names}) VALUES {rows}", values * len(write.keys)
        case "update":
            return f"UPDATE {{t}} SET {sets} WHERE id = {write.keys[0]}", values
        case "many":
            return f"UPDATE {{t}} SET {sets} WHERE id IN ({keys})", values
        case "full":
            # An object mapper that knows one side writes all of it back, changed or not.
            known = {"blue": [*pair.old], "green": [*pair.new], "both": [*pair.old, *pair.new]}[write.side]
            all_of_it = ", ".join(f"{column} = {'%s' if column in write.values else column}" for column in known)
            return f"UPDATE {{t}} SET note = {write.note}, {all_of_it} WHERE id = {write.keys[0]}", [
                write.values[c] for c in known if c in write.values
            ]
        case "upsert":
            rows = ", ".join(f"({key}, {marks})" for key in write.keys)
            taken = ", ".join(f"{column} = excluded.{column}" for column in columns)
            return (
                f"INSERT INTO {{t}} (id, {names}) VALUES {rows} ON CONFLICT (id) DO UPDATE SET {taken}",
                values * len(write.keys),
            )
        case "merge":
            rows = ", ".join(f"({key})" for key in write.keys)
            return (
                f"MERGE INTO {{t}} AS t USING (VALUES {rows}) AS s (id) ON t.id = s.id WHEN MATCHED THEN UPDATE SET {sets} "
                f"WHEN NOT MATCHED THEN INSERT (id, {names}) VALUES (s.id, {marks})",
                values * 2,
            )
        case "delete":
            return f"DELETE FROM {{t}} WHERE id IN ({keys})", []
        case "note":
            return f"UPDATE {{t}} SET note = {write.note} WHERE id IN ({keys})", []
        case "rekey":
            return f"UPDATE {{t}} SET id = {write.keys[-1]} WHERE id = {write.keys[0]}", []
        case _:
            rows = "".join("\t".join([str(key), *(_copied(value) for value in values)]) + "\n" for key in write.keys)
            return f"COPY {{t}} (id, {names}) FROM STDIN", [rows]


def _copied(value: Any) -> str:
    return "\\N" if value is None else str(value).replace("\\", "\\\\")


def run(session: psycopg.Connection, table: str, statement: str, values: list[Any]) -> str | None:
    """Runs it; the SQLSTATE with which it failed."""
    sql = statement.replace("{t}", table)
    try:
        with session.transaction():
            if statement.startswith("COPY"):
                with session.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                    copy.write(values[0])
            else:
                session.execute(sql.encode(), values or None)
    except psycopg.Error as error:
        return error.sqlstate
    return None
