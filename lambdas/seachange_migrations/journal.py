"""The journal of a revision that commits inside, so that a next try goes on behind what is applied.

Each of its statements is written down in the transaction of its effect, before a commit that the revision makes; one
that PostgreSQL runs outside of any transaction is written down before it, as intended, and after it, as done. The next
try leaves out what is done. A revision that commits only at its end needs none of this and leaves no trace.

Not seen are statements that a revision sends past SQLAlchemy, through the driver's own connection.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Literal, Self

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from seachange_migrations import state
from seachange_migrations.driver import send
from seachange_migrations.errors import CannotResumeError, one_line

STATEMENT_BYTES = 200
LISTED = 20

Kind = Literal["write", "read", "returned"]

LOAD = """
SELECT ordinal, hash, statement, state, kind, row_count FROM seachange.journal WHERE revision = :revision ORDER BY ordinal
"""
WRITE = """
INSERT INTO seachange.journal (revision, ordinal, hash, statement, state, kind, row_count)
SELECT %s, ordinal, hash, statement, state, kind, row_count
FROM jsonb_to_recordset(%s::jsonb)
    AS entry (ordinal int, hash text, statement text, state text, kind text, row_count bigint)
ON CONFLICT (revision, ordinal) DO UPDATE SET state = excluded.state, row_count = excluded.row_count
"""

_out_of_it: ContextVar[bool] = ContextVar("seachange_unjournalled", default=False)


@contextmanager
def unjournalled() -> Iterator[None]:
    """What is executed inside is not journalled: it finds out by itself what is left to do, and may run any number of times.

    For the backfills of the engine, and for a revision's own loops of that kind.
    """
    token = _out_of_it.set(True)
    try:
        yield
    finally:
        _out_of_it.reset(token)


def is_out_of_it() -> bool:
    """Whether this code runs in `unjournalled`."""
    return _out_of_it.get()


@dataclass(kw_only=True)
class Entry:
    """A statement of a revision. `kind`: whether it gave rows, and whether it did so by writing (`returned`)."""

    ordinal: int
    hash: str
    statement: str
    state: Literal["intended", "done"] = "done"
    kind: Kind = "write"
    row_count: int = -1


class Journal:
    """The journal of one try of `revision`: what former tries have applied, and what this one adds."""

    def __init__(self, revision: str, applied: list[Entry]) -> None:
        self.revision = revision
        self.applied = list(applied)
        self._left = list(applied)
        self._unwritten: dict[Connection, list[Entry]] = {}
        self._ordinal = max((entry.ordinal for entry in applied), default=0)

    @classmethod
    def load(cls, connection: Connection, revision: str) -> Self:
        """The journal that former tries left in the database; empty for nearly every revision."""
        rows: Any = ()
        if state.exists(connection):
            rows = connection.execute(text(LOAD), {"revision": revision}).mappings().all()
        connection.rollback()
        return cls(revision, [Entry(**row) for row in rows])

    def take(self, statement: str, parameters: Any) -> Entry | None:
        """The entry of a former try for this statement, which it loses; None where there is none.

        Order does not matter, only that each is taken once: a revision may look and leave out what it sees is done.
        """
        digest = _digest(statement, parameters)
        found = next((entry for entry in self._left if entry.hash == digest), None)
        if found is not None:
            self._left.remove(found)
        return found

    def is_behind(self) -> bool:
        """Whether a former try has applied what this one has not asked for yet."""
        return any(entry.kind != "read" for entry in self._left)

    def entry(self, statement: str, parameters: Any) -> Entry:
        """A new entry, not written yet."""
        self._ordinal += 1
        return Entry(
            ordinal=self._ordinal, hash=_digest(statement, parameters), statement=one_line(statement, STATEMENT_BYTES)
        )

    def add(self, connection: Connection, entry: Entry) -> None:
        """Keeps `entry` until the transaction that it belongs to is about to commit."""
        self._unwritten.setdefault(connection, []).append(entry)

    def flush(self, connection: Connection) -> None:
        """Writes what was executed on `connection` since the last time, in the transaction of its effect."""
        entries = self._unwritten.pop(connection, [])
        if entries:
            self.write(connection, *entries)

    def write(self, connection: Connection, *entries: Entry) -> None:
        """Writes `entries`, or writes them anew. Raises StateError where the role may not make the engine's schema."""
        state.ensure(connection)
        send(connection, WRITE, self.revision, json.dumps([asdict(entry) for entry in entries]))
        known = {entry.ordinal for entry in self.applied}
        self.applied += [entry for entry in entries if entry.ordinal not in known]

    def strike(self, connection: Connection, entry: Entry) -> None:
        """Takes back the intention of a statement that had no effect."""
        send(
            connection,
            "DELETE FROM seachange.journal WHERE revision = %s AND ordinal = %s",
            self.revision,
            entry.ordinal,
        )
        self.applied = [kept for kept in self.applied if kept.ordinal != entry.ordinal]

    def forget(self, connection: Connection) -> None:
        """Removes the journal, once its revision is applied."""
        if self.applied:
            connection.execute(
                text("DELETE FROM seachange.journal WHERE revision = :revision"), {"revision": self.revision}
            )
            connection.commit()

    def cannot_resume(self, reason: str) -> CannotResumeError:
        """The one line for a revision that cannot be taken up safely."""
        forget = f"DELETE FROM seachange.journal WHERE revision = '{self.revision}'"
        return CannotResumeError(
            f"revision {self.revision} stopped after it had committed inside, and cannot go on by itself: {reason}. "
            f"Applied and committed: {self.listed()}. Either do by hand what is left of it, then `alembic stamp` it, "
            f"or undo by hand what is applied; or nothing, if it may run again as a whole. Then run {forget}; "
            "and deploy again. A part that looks by itself at what is left belongs into "
            "`with seachange_migrations.journal.unjournalled():`.",
            revision=self.revision,
        )

    def listed(self) -> str:
        """The statements that are applied and committed, numbered, in one line; empty where there is none."""
        changes = [entry for entry in self.applied if entry.kind != "read"]
        done = [f"{number}. {entry.statement}" for number, entry in enumerate(changes, 1)]
        return "; ".join(done[:LISTED] + ([f"and {len(done) - LISTED} more"] if len(done) > LISTED else []))


def forget_applied(connection: Connection, script: ScriptDirectory, heads: Sequence[str]) -> None:
    """Removes journals whose revisions are applied in a database at `heads`: a deployer died between the two."""
    if state.exists(connection):
        kept = connection.scalars(text("SELECT DISTINCT revision FROM seachange.journal")).all()
        applied = {revision.revision for revision in script.iterate_revisions(tuple(heads), "base")} if kept else set()
        gone = [revision for revision in kept if revision in applied]
        connection.execute(text("DELETE FROM seachange.journal WHERE revision = ANY(:gone)"), {"gone": gone})
    connection.commit()


def _digest(statement: str, parameters: Any) -> str:
    return blake2b(f"{statement}\0{_plain(parameters)!r}".encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    """`value` as something whose representation is all of it: psycopg's own of a JSON document shows only the beginning."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, memoryview):
        return bytes(value)
    return getattr(value, "obj", value)
