"""A sequence is set back, or changes its step or range.

Keys that the serving release takes from it may collide with rows that are there, or run out.

Source: [ALTER SEQUENCE](https://www.postgresql.org/docs/current/sql-altersequence.html),
[setval](https://www.postgresql.org/docs/current/functions-sequence.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation, strings
from seachange_migrations.check.parser import Parsed, kinds, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.DATA
HARMLESS = {"owned_by", "cache"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    changed = ""
    if statement.kind == "AlterSeqStmt" and not so_far.is_new(relation(node.sequence)):
        if {option.defname for option in map(unwrap, node.options)} - HARMLESS:
            changed = str(relation(node.sequence))
    elif any(strings(call.funcname)[-1] == "setval" for call in kinds(node, "FuncCall")):
        # Of its first argument only a literal could be compared with what this revision has made.
        named = {found.sval.sval for found in kinds(node, "A_Const") if found.HasField("sval")}
        if not any(name.name in text for text in named for name in so_far.created):
            changed = "a sequence"
    if changed:
        yield Hit(
            f"changes where {changed} goes on: keys may collide or run out.",
            "Leave it out; where it must be, set it forward only, and say so in an allow.",
        )
