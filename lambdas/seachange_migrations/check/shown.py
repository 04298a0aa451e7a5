"""What the rules are asked about: the statements that ran on a scratch database, or else those that can be rendered."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from seachange_migrations.check.statement import Emitted, Statement


def shown(rendered: Emitted, ran: Sequence[Statement] | None) -> Emitted:
    """`ran`, where the revision was applied, with each operation of ours as it is rendered; else `rendered`.

    An operation asks and tells the catalog much that is its own affair. It stands for what it was called for, with a database as
    without one; what its statements lock is observed apart.
    """
    return rendered if ran is None else Emitted(statements=tuple(_with_operations_whole(rendered, ran)))


def _with_operations_whole(rendered: Emitted, ran: Sequence[Statement]) -> Iterator[Statement]:
    seen: set[tuple[int | None, str]] = set()
    for (line, operation), statements in groupby(ran, key=lambda statement: (statement.line, statement.operation)):
        if operation is None:
            yield from statements
        elif (line, operation) not in seen:
            seen.add((line, operation))
            whole = [one for one in rendered.statements if (one.line, one.operation) == (line, operation)]
            yield from whole or [Statement(sql="", line=line, operation=operation)]
