"""The whole table is written anew under ACCESS EXCLUSIVE.

Nobody reads or writes it meanwhile, and it takes the space of the table and its indexes once more. A default that is
computed for each row, a stored generated column, `serial` and identity columns, a domain with a constraint, most changes
of a type, SET LOGGED, UNLOGGED, TABLESPACE and ACCESS METHOD do this. A constant default, and `now()`, do not.

Source: [ALTER TABLE, Notes](https://www.postgresql.org/docs/current/sql-altertable.html); which statements rewrite was measured on
PostgreSQL 18
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import Column, added_columns, alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import SERIAL, strings, type_of
from seachange_migrations.check.parser import Parsed, kinds
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar
from seachange_migrations.check.types import keeps_file

VERDICT = Verdict.LOCK_HAZARD
MOVES = {
    "AT_SetLogged": "SET LOGGED",
    "AT_SetUnLogged": "SET UNLOGGED",
    "AT_SetTableSpace": "SET TABLESPACE",
    "AT_SetAccessMethod": "SET ACCESS METHOD",
    "AT_SetExpression": "SET EXPRESSION",
}
# Stable or immutable: computed once for all rows. What is not here may be computed for each.
ONCE = frozenset(
    {
        "now", "transaction_timestamp", "statement_timestamp", "timezone", "date_trunc", "to_timestamp", "to_date", "make_interval",
        "lower", "upper", "md5", "concat", "format", "to_tsvector", "array_fill", "string_to_array", "current_setting", "abs",
        "jsonb_build_object", "json_build_object", "jsonb_build_array", "json_build_array", "to_jsonb", "to_json", "decode", "encode",
    }
)  # fmt: skip


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    for table, column in added_columns(statement):
        reason = None if so_far.is_new(table) else _computed_per_row(column, so_far)
        if reason:
            yield Hit(
                f"adds column {column.name} to {table} and rewrites the table, for {reason}.",
                "Add it without, write op.backfill, and set a default for new rows in a statement of its own.",
            )
    for found in alterations(statement, *MOVES):
        if not so_far.is_new(found.table):
            yield Hit(
                f"rewrites {found.table} under ACCESS EXCLUSIVE ({MOVES[found.kind]}).",
                "Make a new table or column with what you need, and move over with op.sync_columns and op.backfill.",
            )
    for found in alterations(statement, "AT_AlterColumnType"):
        known, new = so_far.tables.column(found.table, found.name), type_of(found.definition.type_name)
        kept = known and keeps_file(known.type, new) and not found.definition.HasField("raw_default")
        if not so_far.is_new(found.table) and not kept:
            yield Hit(
                f"rewrites {found.table} under ACCESS EXCLUSIVE to make {found.name} {new}"
                f"{'' if known else ', unless the old type is one that PostgreSQL keeps as it is'}.",
                "Write op.change_type.",
            )


def _computed_per_row(column: Column, so_far: SoFar) -> str | None:
    if column.identity:
        return "each row gets its number"
    if column.type.name in SERIAL:
        return f"{column.type} numbers each row"
    if column.generated is not None:
        return "the generated column is stored"
    if column.type.name in so_far.tables.checked_domains:
        return f"domain {column.type} has a constraint"
    if column.default is not None:
        called = {strings(found.funcname)[-1] for found in kinds(column.default, "FuncCall")} - ONCE
        if called:
            return f"its default calls {', '.join(sorted(called))}, which may differ by row"
    return None
