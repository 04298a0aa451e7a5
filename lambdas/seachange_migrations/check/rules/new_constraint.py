"""A constraint is put on columns that the serving release writes.

NOT NULL, CHECK, UNIQUE, PRIMARY KEY, EXCLUDE and FOREIGN KEY hold for every writer at once, `NOT VALID` or not: a value that the
serving release may still write becomes a failed request. Rows that are there already make the statement itself fail. Neither shows
in the SQL; the workload proof shows the first, PostgreSQL the second. A primary key from an index makes its columns NOT NULL. In a
contract revision no older release writes any more, so the rule is not asked there. Columns that the same revision adds are nobody's
yet, and a CHECK that is already valid makes SET NOT NULL no news.

Source: [Constraints](https://www.postgresql.org/docs/current/ddl-constraints.html),
[ALTER TABLE, NOT VALID](https://www.postgresql.org/docs/current/sql-altertable.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.alterations import Constraint, added_columns, added_constraints, alterations
from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import Name, relation
from seachange_migrations.check.parser import Parsed, unwrap
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.so_far import SoFar, columns_in
from seachange_migrations.phases import Phase

VERDICT = Verdict.DATA
ASKS_OPERATIONS = True
REMEDY = (
    "Move it to a contract revision; or, if every release that runs keeps to it, say so: "
    "`# seachange: allow new-constraint because …`."
)
OPERATIONS = {
    "set_not_null": "NOT NULL constraint",
    "add_unique": "unique constraint",
    "add_foreign_key": "foreign key",
}
WORDS = {
    "CONSTR_CHECK": "CHECK constraint",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_UNIQUE": "unique constraint",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_EXCLUSION": "exclusion constraint",
    "CONSTR_NOTNULL": "NOT NULL constraint",
}


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    if so_far.phase is Phase.CONTRACT:
        return
    if statement.kind == "operation" and statement.operation in OPERATIONS:
        yield Hit(
            f"puts a {OPERATIONS[statement.operation]} on a table: what the serving release writes may violate it.",
            REMEDY,
        )
    fresh = {(table, column.name) for table, column in added_columns(statement)}
    for table, what, columns in _added(statement, so_far):
        if not so_far.are_new(table, tuple(columns), also=fresh):
            yield Hit(
                f"puts a {what} on {table} ({', '.join(columns) or 'expressions'}): what the serving release writes may violate it.",
                REMEDY,
            )


def _added(statement: Parsed, so_far: SoFar) -> Iterator[tuple[Name, str, tuple[str, ...]]]:
    for constraint in added_constraints(statement):
        # An index that makes it unique was judged when it was made; a NOT NULL column without default is required-column's.
        in_definition = constraint.inline and constraint.kind == "CONSTR_NOTNULL"
        if constraint.index and constraint.kind == "CONSTR_PRIMARY":
            if nullable := so_far.tables.may_be_null(constraint.table, constraint.index):
                yield constraint.table, "primary key, and so NOT NULL,", nullable
        elif not constraint.index and not in_definition:
            yield (
                constraint.table,
                WORDS[constraint.kind],
                constraint.columns or tuple(sorted(columns_in(constraint.node))),
            )
    for found in alterations(statement, "AT_SetNotNull"):
        if not already_checked(so_far, found.table, found.name):
            yield found.table, "NOT NULL constraint", (found.name,)
    if statement.kind == "IndexStmt" and statement.node.unique:
        elements = [unwrap(parameter) for parameter in statement.node.index_params]
        columns = {name for found in elements for name in ({found.name} if found.name else columns_in(found))}
        yield relation(statement.node.relation), "unique index", tuple(sorted(columns))


def already_checked(so_far: SoFar, table: Name, column: str) -> bool:
    """Whether the column is known to be NOT NULL, or a valid CHECK says so; PostgreSQL then reads no row, and no writer meets anything new."""
    column_known = so_far.tables.column(table, column)
    if column_known and column_known.not_null:
        return True
    known = so_far.tables.tables.get(table)
    return known is not None and any(
        found.kind == "CONSTR_CHECK" and found.validated and _says_not_null(found, column)
        for found in known.constraints.values()
    )


def _says_not_null(constraint: Constraint, column: str) -> bool:
    expression = unwrap(constraint.node.raw_expr)
    parts = (
        [unwrap(part) for part in expression.args]
        if type(expression).__name__ == "BoolExpr" and expression.boolop == 1
        else [expression]
    )
    return any(
        type(part).__name__ == "NullTest" and part.nulltesttype == 2 and columns_in(part) == {column} for part in parts
    )
