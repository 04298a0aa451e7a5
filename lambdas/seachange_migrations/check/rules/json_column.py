"""A column of type json is added, whose values cannot be compared.

A `SELECT DISTINCT *`, a UNION or a GROUP BY over the whole row then fails with "could not identify an equality operator for type json".
Whether the serving release executes one, the SQL does not tell.

Source: [JSON types](https://www.postgresql.org/docs/current/datatype-json.html); the failure was measured on PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import added_columns
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.parser import Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for table, column in added_columns(statement):
        if column.type.name == "json" and not so_far.is_new(table):
            yield Hit(
                f"adds column {column.name} of type json to {table}: a SELECT DISTINCT * of the serving release fails on it.",
                "Make it jsonb, which can be compared.",
            )
