"""An index is built without CONCURRENTLY.

Writers wait until it is built, which takes as long as the table is large.

Source: [CREATE INDEX, Building Indexes Concurrently](https://www.postgresql.org/docs/current/sql-createindex.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import relation
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.LOCK_HAZARD


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if statement.kind == "IndexStmt" and not statement.node.concurrent:
        table = relation(statement.node.relation)
        known = so_far.tables.tables.get(table)
        # ON ONLY of a partitioned table builds nothing; of a plain one it is all there is.
        builds = statement.node.relation.inh or (known is not None and known.whole and not known.partitioned)
        if not so_far.is_new(table) and builds:
            yield Hit(
                f"builds index {statement.node.idxname} while writes to {table} wait.",
                "Write op.create_index(…, postgresql_concurrently=True) inside `with op.get_context().autocommit_block():`; "
                "for a unique constraint op.add_unique.",
            )
