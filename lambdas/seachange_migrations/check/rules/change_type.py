"""The type of a column is changed in place.

A serving release keeps writing values of the old type and reading what it expects. Narrowing refuses its values, and is
easily hidden in a widening: `numeric(10,2)` to `numeric(12,4)` has room for two digits less before the point. A widening
(a longer `varchar`, `text` from `varchar`, `bigint` from `integer`, more digits at the same scale) takes all it writes, but a
statement that it prepared earlier and that returns the column fails with "cached plan must not change result type", and goes
on failing on that connection; psycopg prepares what it has executed five times. The SQL does not tell, so a
widening is *unknown*.

Source: [ALTER TABLE](https://www.postgresql.org/docs/current/sql-altertable.html),
[numeric types](https://www.postgresql.org/docs/current/datatype-numeric.html); the failing plan was measured on PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import type_of
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.check.types import widens

VERDICT = Verdict.CONTRACT
REMEDY = "Write op.change_type, which adds a column of the new type and keeps both in step."


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_AlterColumnType"):
        if so_far.are_new(found.table, (found.name,)):
            continue
        new, known = type_of(found.definition.type_name), so_far.tables.column(found.table, found.name)
        column = f"column {found.name} of {found.table}"
        if known and known.type == new and not found.definition.HasField("raw_default"):
            continue
        if known and widens(known.type, new) and not found.definition.HasField("raw_default"):
            yield Hit(
                f"widens {column} from {known.type} to {new}: statements that were prepared before and return it fail on "
                "their connection.",
                f"{REMEDY} Or let the workload proof show that no release prepares such a statement.",
                Verdict.UNKNOWN,
            )
        else:
            old = f" from {known.type}" if known else ""
            yield Hit(f"changes the type of {column}{old} to {new} under the serving release.", REMEDY)
