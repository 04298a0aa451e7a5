"""What one statement was seen to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from seachange_migrations.check.statement import Statement


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A statement that ran, and what the server showed of it. Tables are named `schema.name`; only those that were there
    before the revision count.

    `held` are the locks on tables that its transaction held when it ended, `taken` those that came with it, each a mode of
    pg_locks such as `AccessExclusiveLock` by table. `rewritten` tables have a new file. `messages` are the server's own, of
    level DEBUG1, about tables and indexes. `transaction` numbers the transactions of the revision.
    """

    statement: Statement
    transaction: int
    held: Mapping[str, frozenset[str]]
    taken: Mapping[str, frozenset[str]]
    rewritten: frozenset[str]
    messages: tuple[str, ...]
