"""From what was seen to findings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from seachange_migrations.check.findings import Finding, Source, Verdict
from seachange_migrations.check.observed.seen import Seen

RULES: Mapping[str, str] = {
    "observed-rewrite": "A statement writes a whole table anew while nobody can read it.",
    "observed-scan": "A statement reads a whole table while its writers, or all of its users, wait.",
    "observed-index-build": "A statement builds an index while the table's writers wait.",
    "observed-several-tables": "A transaction locks several tables against all use, and holds each of them until its end.",
    "observed-not-applied": "A revision was not seen, because it did not run on the scratch database.",
    "observed-drift": "A table of the scratch database differs from the real one, so what was seen of it says little.",
}

# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES: which modes keep writers waiting.
ALL_USE = frozenset({"AccessExclusiveLock"})
WRITERS = ALL_USE | {"ExclusiveLock", "ShareRowExclusiveLock", "ShareLock"}

# In the server's English; lc_messages is set for the session that is watched.
VERIFYING, VALIDATING, BUILDING = "verifying table", "validating foreign key", "building index"
# A table whose rows may now be long gets a place for them, and that an index: there is nothing in it yet.
EMPTY = ' on table "pg_toast_'


def findings(revision: str, seen: Sequence[Seen], differences: Mapping[str, tuple[str, ...]]) -> list[Finding]:
    """What `revision` does that keeps a serving release waiting, as far as its statements `seen` show."""
    found = [finding for statement in seen for finding in _statement(revision, statement)]
    found += _transactions(revision, seen)
    return [*found, *_drift(revision, seen, differences)]


def _statement(revision: str, seen: Seen) -> Iterator[Finding]:
    waiting, stopped = _held(seen, WRITERS), _held(seen, ALL_USE)
    if seen.rewritten:
        yield _finding(
            revision,
            "observed-rewrite",
            seen,
            f"it writes {_and(seen.rewritten)} anew, row by row, and nobody can read the table meanwhile.",
            "Add a new column beside the old one (op.change_type, op.sync_columns), backfill it, and drop the old one in "
            "the contract phase; a default that differs by row is set for new rows only, and the others are backfilled.",
        )
    # A rewrite verifies as it goes.
    if not seen.rewritten and stopped and _says(seen, VERIFYING):
        yield _finding(
            revision,
            "observed-scan",
            seen,
            f"it reads every row of {_and(stopped)}, and nobody can use the table meanwhile.",
            "Add the constraint NOT VALID, then VALIDATE it in a transaction of its own (op.set_not_null does).",
        )
    if waiting and _says(seen, VALIDATING):
        yield _finding(
            revision,
            "observed-scan",
            seen,
            f"it looks up the foreign key of every row while the writers of {_and(waiting)} wait.",
            "Add the constraint NOT VALID, then VALIDATE it in a transaction of its own (op.add_foreign_key does).",
        )
    if waiting and not seen.rewritten and _says(seen, BUILDING):
        yield _finding(
            revision,
            "observed-index-build",
            seen,
            f"it builds an index while the writers of {_and(waiting)} wait.",
            "Build it with CREATE INDEX CONCURRENTLY in an autocommit_block; for a constraint, attach the index that is "
            "there with ADD CONSTRAINT … USING INDEX (op.add_unique does).",
        )


def _transactions(revision: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    """A table is locked until its transaction ends: with the second, the first waits for that one's users too."""
    locked: dict[int, dict[str, Seen]] = {}
    for statement in seen:
        tables = locked.setdefault(statement.transaction, {})
        new = {table for table, modes in statement.taken.items() if modes & ALL_USE} - tables.keys()
        if new and tables:
            yield _finding(
                revision,
                "observed-several-tables",
                statement,
                f"it locks {_and(new)} against all use while its transaction still holds {_and(tables)}.",
                "Put it into a revision of its own: each revision is a transaction.",
            )
        tables.update(dict.fromkeys(new, statement))


def _drift(revision: str, seen: Sequence[Seen], differences: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    told = set[str]()
    for statement in seen:
        for table in sorted(statement.taken.keys() & differences.keys() - told):
            told.add(table)
            yield Finding(
                rule="observed-drift",
                verdict=Verdict.UNKNOWN,
                statement=statement.statement.sql,
                line=statement.statement.line,
                problem=f"the scratch database has another {table} than the real one: {_some(differences[table])}.",
                remedy="Bring the directory's revisions and the real schema together, or run the check where pg_dump fits the "
                "server.",
                source=Source.OBSERVED,
                revision=revision,
            )


def _finding(revision: str, rule: str, seen: Seen, problem: str, remedy: str) -> Finding:
    return Finding(
        rule=rule,
        verdict=Verdict.LOCK_HAZARD,
        statement=seen.statement.sql,
        line=seen.statement.line,
        problem=problem,
        remedy=remedy,
        source=Source.OBSERVED,
        revision=revision,
    )


def _held(seen: Seen, modes: frozenset[str]) -> set[str]:
    return {table for table, held in seen.held.items() if held & modes}


def _says(seen: Seen, message: str) -> bool:
    return any(text.startswith(message) and EMPTY not in text for text in seen.messages)


def _and(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))


def _some(aspects: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(aspects) - limit} more" if len(aspects) > limit else ""
    return ", ".join(aspects[:limit]) + more
