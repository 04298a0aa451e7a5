"""An index is dropped without CONCURRENTLY.

It takes ACCESS EXCLUSIVE on the table: short, but behind a long query it makes every other statement wait.

Source: [DROP INDEX](https://www.postgresql.org/docs/current/sql-dropindex.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import dropped
from seachange_migrations.check.parser import Parsed, name_of
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    node = statement.node
    if (
        statement.kind == "DropStmt"
        and name_of("ObjectType", node.remove_type) == "OBJECT_INDEX"
        and not node.concurrent
    ):
        for name in map(dropped, node.objects):
            index = so_far.tables.indexes.get(name.name)
            if not so_far.is_new(name) and not (index and so_far.is_new(index.table)):
                yield Hit(
                    f"drops index {name} under ACCESS EXCLUSIVE on its table.",
                    "Write op.drop_index(…, postgresql_concurrently=True) inside `with op.get_context().autocommit_block():`.",
                )
