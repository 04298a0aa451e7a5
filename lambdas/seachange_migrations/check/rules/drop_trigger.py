"""A trigger or rule is dropped or switched off.

What it did for the rows that the serving release writes (an audit, a derived column, a refusal) is not done from now on.

Source: [ALTER TABLE, DISABLE TRIGGER](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, dotted
from seachange_migrations.check.parser import Parsed, name_of, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.CONTRACT
OFF = (
    "AT_DisableTrig",
    "AT_DisableTrigAll",
    "AT_DisableTrigUser",
    "AT_DisableRule",
    "AT_EnableReplicaTrig",
    "AT_EnableReplicaRule",
)
KINDS = {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_EVENT_TRIGGER"}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    gone = [(found.table, found.name or "all") for found in alterations(statement, *OFF)]
    if statement.kind == "DropStmt" and name_of("ObjectType", statement.node.remove_type) in KINDS:
        for node in map(unwrap, statement.node.objects):
            items = list(getattr(node, "items", ()))
            gone.append(
                (dotted(items[:-1]), unwrap(items[-1]).sval) if items else (Name("public", "the database"), node.sval)
            )
    for table, name in gone:
        if not so_far.is_new(table) and not so_far.is_new(trigger(table, name)):
            yield Hit(
                f"takes trigger or rule {name} from {table}: rows of the serving release miss what it did.",
                "Move it to a contract revision, or replace it in the same transaction and say so in an allow.",
            )


def trigger(table: Name, name: str) -> Name:
    """The name under which a trigger of `table` counts as made by this revision."""
    return Name("trigger", f"{table}.{name}")
