"""What is remembered of a backfill between two calls: rows of `seachange.backfill` and `seachange.backfill_range`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, text

from seachange_migrations.backfill.spec import Backfill
from seachange_migrations.backfill.statements import Key
from seachange_migrations.backfill.transactions import transaction
from seachange_migrations.errors import InvalidRequestError

WHOLE = 0
"""The number of the range that is the whole table. The ranges of `split` are numbered from 1."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """A range of keys, `lower` excluded and `upper` included, None for the table's ends; and how far its pass is."""

    number: int
    lower: Key | None
    upper: Key | None
    cursor: Key | None
    passes: int
    seen: int
    finished: bool


def begin(connection: Connection, backfill: Backfill, rows: int) -> bool:
    """Remembers `backfill`; whether it is proven already. Its progress is forgotten when it does something else than before."""
    spec = {"name": backfill.name, "revision": backfill.revision, "spec": backfill.to_json(), "rows": rows}
    with transaction(connection):
        known = connection.execute(
            text(
                "SELECT spec = CAST(:spec AS jsonb), proven_at IS NOT NULL FROM seachange.backfill WHERE name = :name FOR UPDATE"
            ),
            spec,
        ).one_or_none()
        if known is not None and known[0]:
            return bool(known[1])
        connection.execute(text("DELETE FROM seachange.backfill WHERE name = :name"), spec)
        connection.execute(
            text(
                "INSERT INTO seachange.backfill (name, revision, spec, rows_estimated) "
                "VALUES (:name, :revision, CAST(:spec AS jsonb), :rows)"
            ),
            spec,
        )
    return False


def spec(connection: Connection, name: str) -> Backfill:
    """The backfill that was begun as `name`. Raises InvalidRequestError."""
    found = connection.scalar(text("SELECT spec::text FROM seachange.backfill WHERE name = :name"), {"name": name})
    if found is None:
        raise InvalidRequestError(f"the database knows of no backfill {name!r}; it is begun by its revision")
    return Backfill.from_json(found)


def rows_estimated(connection: Connection, name: str) -> int:
    """How many rows the table had, by the statistics, when the backfill began."""
    found: int = connection.execute(
        text("SELECT rows_estimated FROM seachange.backfill WHERE name = :name"), {"name": name}
    ).scalar_one()
    return found


def add_range(connection: Connection, name: str, number: int, lower: Key | None, upper: Key | None) -> None:
    """Adds a range that nobody has begun; one that is there stays as it is."""
    connection.execute(
        text(
            "INSERT INTO seachange.backfill_range (backfill, number, lower_key, upper_key) "
            "VALUES (:name, :number, CAST(:lower AS jsonb), CAST(:upper AS jsonb)) ON CONFLICT DO NOTHING"
        ),
        {"name": name, "number": number, "lower": _json(lower), "upper": _json(upper)},
    )


def add_ranges(connection: Connection, name: str, uppers: Sequence[Key]) -> None:
    """Adds the ranges from 1 on that `uppers`, in order, lie between. All or none, for others may be adding them too."""
    with transaction(connection):
        connection.execute(text("SELECT FROM seachange.backfill WHERE name = :name FOR UPDATE"), {"name": name})
        if numbers(connection, name):
            return
        edges = [None, *uppers, None]
        for number, (lower, upper) in enumerate(pairwise(edges), start=1):
            add_range(connection, name, number, lower, upper)


def numbers(connection: Connection, name: str) -> tuple[int, ...]:
    """The numbers of the ranges that the table was split into; none when it was not."""
    return tuple(
        connection.scalars(
            text("SELECT number FROM seachange.backfill_range WHERE backfill = :name AND number > 0 ORDER BY number"),
            {"name": name},
        )
    )


def read_range(connection: Connection, name: str, number: int) -> Range:
    """A range as the last batch left it. Raises InvalidRequestError for one that does not exist."""
    row = connection.execute(
        text(
            "SELECT lower_key::text, upper_key::text, cursor_key::text, passes, seen_in_pass, finished "
            "FROM seachange.backfill_range WHERE backfill = :name AND number = :number"
        ),
        {"name": name, "number": number},
    ).one_or_none()
    if row is None:
        raise InvalidRequestError(f"backfill {name!r} has no range {number}")
    lower, upper, cursor = (None if value is None else tuple(json.loads(value)) for value in row[:3])
    return Range(number=number, lower=lower, upper=upper, cursor=cursor, passes=row[3], seen=row[4], finished=row[5])


# A session that waits for the batch waits for its transaction, or for the table. Asked last, when it is most likely
# there, and not each time: the answer takes a millisecond.
ADVANCE = text("""
    UPDATE seachange.backfill_range SET
        cursor_key = coalesce(CAST(:cursor AS jsonb), cursor_key), seen_in_pass = seen_in_pass + :seen,
        found_in_pass = found_in_pass + :found, rows_done = rows_done + :written, rows_skipped = rows_skipped + :skipped,
        rows_per_s = :rate, updated_at = clock_timestamp()
    WHERE backfill = :name AND number = :number
    RETURNING CASE WHEN CAST(:look AS boolean) THEN (
        SELECT count(*) FROM pg_locks WHERE NOT granted AND (
            transactionid = pg_current_xact_id()::xid
            OR relation = CAST(:oid AS oid)
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())))
    ELSE 0 END
""")


def end_pass(connection: Connection, name: str, number: int) -> bool:
    """Ends a pass over the range; whether it found no row behind, which finishes the range."""
    found: bool = connection.execute(
        text(
            "UPDATE seachange.backfill_range SET finished = found_in_pass = 0, passes = passes + 1, cursor_key = NULL, "
            "seen_in_pass = 0, found_in_pass = 0, updated_at = clock_timestamp() "
            "WHERE backfill = :name AND number = :number RETURNING finished"
        ),
        {"name": name, "number": number},
    ).scalar_one()
    return found


def all_finished(connection: Connection, name: str) -> bool:
    """Whether every range that the table was split into is finished."""
    found: bool = connection.execute(
        text(
            "SELECT coalesce(bool_and(finished), false) FROM seachange.backfill_range WHERE backfill = :name AND number > 0"
        ),
        {"name": name},
    ).scalar_one()
    return found


def is_proven(connection: Connection, name: str) -> bool:
    """Whether a whole scan has found no row behind."""
    found: bool = connection.execute(
        text("SELECT proven_at IS NOT NULL FROM seachange.backfill WHERE name = :name"), {"name": name}
    ).scalar_one()
    return found


def proven(connection: Connection, name: str) -> None:
    """Writes down that a whole scan has found no row behind."""
    connection.execute(
        text("UPDATE seachange.backfill SET proven_at = clock_timestamp() WHERE name = :name"), {"name": name}
    )


def reopen(connection: Connection, name: str) -> None:
    """Takes a proof back and the whole range with it, for a fresh scan."""
    with transaction(connection):
        connection.execute(text("UPDATE seachange.backfill SET proven_at = NULL WHERE name = :name"), {"name": name})
        connection.execute(
            text("DELETE FROM seachange.backfill_range WHERE backfill = :name AND number = 0"), {"name": name}
        )


def forget(connection: Connection, name: str) -> None:
    """Forgets a backfill: what it filled is gone, or made anew."""
    connection.execute(text("DELETE FROM seachange.backfill WHERE name = :name"), {"name": name})


def pause(connection: Connection, name: str, paused: bool) -> None:
    """Asks a backfill to pause, or to go on; it does within a second. Raises InvalidRequestError for an unknown one.

    On a connection that does not autocommit it counts from the caller's commit.
    """
    changed = connection.execute(
        text("UPDATE seachange.backfill SET paused = :paused WHERE name = :name"), {"name": name, "paused": paused}
    )
    if not changed.rowcount:
        raise InvalidRequestError(f"the database knows of no backfill {name!r}")


def _json(key: Key | None) -> str | None:
    return None if key is None else json.dumps(list(key))
