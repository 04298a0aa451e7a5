"""A DO block executes text that is made at run time, or is not PL/pgSQL.

The statements that are written out in a block are judged like all others; what it puts together at run time cannot be.

Source: [Executing dynamic commands](https://www.postgresql.org/docs/current/plpgsql-statements.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.blocks import statements_in
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    if statement.kind == "DoStmt" and statements_in(statement)[1]:
        yield Hit(
            "executes in a DO block what cannot be read here.",
            "Write the statements out, or let a scratch database show what it does: `seachange check --url …`.",
        )
