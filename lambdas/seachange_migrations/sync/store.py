"""The registry of syncs, `seachange.sync`: one row from the revision that makes a sync to the one that drops it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from seachange_migrations import state
from seachange_migrations.errors import RefusedError

FIND = "SELECT name, schema_name, table_name, key_columns, old_columns, new_columns, lossy, shortcut FROM seachange.sync WHERE dropped_at IS NULL"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A sync that stands in the database."""

    name: str
    schema: str
    table: str
    key: tuple[str, ...]
    old: tuple[str, ...]
    new: tuple[str, ...]
    lossy: bool
    shortcut: Mapping[str, str] | None


def registered(connection: Connection) -> list[Registered]:
    """All syncs of the database, by name; none where our schema is not there."""
    if not state.exists(connection):
        return []
    found = connection.execute(text(f"{FIND} ORDER BY name")).all()
    return [
        Registered(
            name=name,
            schema=schema,
            table=table,
            key=tuple(key),
            old=tuple(old),
            new=tuple(new),
            lossy=lossy,
            shortcut=shortcut,
        )
        for name, schema, table, key, old, new, lossy, shortcut in found
    ]


def is_dropped(connection: Connection, name: str, table: str) -> bool:
    """Whether a contract revision has dropped that sync, and none of its name stands."""
    asked = text(
        "SELECT EXISTS (SELECT FROM seachange.sync WHERE name = :name AND table_name = :table AND dropped_at IS NOT NULL)"
    )
    return state.exists(connection) and bool(connection.scalar(asked, {"name": name, "table": table}))


def find(connection: Connection, name: str) -> Registered:
    """The sync of that name. Raises RefusedError when there is none."""
    known = registered(connection)
    for sync in known:
        if sync.name == name:
            return sync
    raise RefusedError(
        f"there is no sync {name!r} in this database; it has {', '.join(repr(sync.name) for sync in known) or 'none'}. "
        "op.sync_columns makes it, in an earlier revision, and its name is <table>_<first new column> unless given"
    )
