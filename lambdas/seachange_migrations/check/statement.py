"""A statement that a revision emits, before anybody has parsed it."""

from dataclasses import dataclass, field

from alembic.operations import MigrateOperation

from seachange_migrations.check.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Statement:
    """`sql` as it goes to the server: one statement, or several in one text.

    `line` is the one in the revision's file that emitted it. `operation` is the operation of ours that did, such as
    `set_not_null`. `autocommit`: it runs outside of a transaction. `asked` is the whole operation where it has no SQL to show
    before it has read the database; None else.
    """

    sql: str
    line: int | None = None
    operation: str | None = None
    autocommit: bool = False
    asked: MigrateOperation | None = None


@dataclass(frozen=True, kw_only=True)
class Emitted:
    """What one revision emits; `problem` says in words why there may be more, and `line` where it stopped.

    `question`: the problem is one that its author has not answered. `certain`: it stops there with any database.
    """

    statements: tuple[Statement, ...]
    problem: str | None = None
    line: int | None = None
    question: bool = False
    certain: bool = False


@dataclass(frozen=True, kw_only=True)
class RevisionObservation:
    """What applying `revision` to a scratch database showed.

    `statements` are those that ran, in order: they stand in for what cannot be rendered offline. None: it was not applied.
    """

    revision: str
    findings: tuple[Finding, ...] = field(default=())
    statements: tuple[Statement, ...] | None = None
