"""The default of a column is dropped.

The serving release leaves the column out where it relies on the default. Where the column is NOT NULL its INSERTs fail, and so
they do where the column was added NOT NULL with a default a line above. Where it is nullable they store NULL instead
(*data*). Where the SQL does not tell, it is *unknown*.

Source: [Default values](https://www.postgresql.org/docs/current/ddl-default.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import SERIAL
from seachange_migrations.check.parser import Node, Parsed
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.phases import Phase

VERDICT = Verdict.CONTRACT
REMEDY = "Keep the default until a contract revision: by then no release is left that leaves the column out."


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for found in alterations(statement, "AT_ColumnDefault"):
        if not _is_null(found.definition) or so_far.is_new(found.table):
            continue
        column, known = f"column {found.name} of {found.table}", so_far.tables.column(found.table, found.name)
        if known and known.not_null:
            yield Hit(f"drops the default of {column}, which is NOT NULL: INSERTs that leave it out fail.", REMEDY)
        elif known and (known.default or known.type.name in SERIAL):
            if so_far.phase is Phase.EXPAND and not so_far.are_new(found.table, (found.name,)):
                yield Hit(f"drops the default of {column}: INSERTs that leave it out store NULL.", REMEDY, Verdict.DATA)
        elif not known:
            yield Hit(
                f"drops the default of {column}: if it is NOT NULL, INSERTs that leave it out fail.",
                REMEDY,
                Verdict.UNKNOWN,
            )


def _is_null(definition: Node | None) -> bool:
    """DROP DEFAULT, or SET DEFAULT NULL, which is the same."""
    return definition is None or (type(definition).__name__ == "A_Const" and definition.isnull)
