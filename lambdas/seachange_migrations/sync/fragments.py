"""Pieces of SQL and PL/pgSQL that the functions of a sync are made of.

Rows are compared by image (`*<>`), which works for types without equality and sees 1.0 become 1.00. Every name and operator is qualified.
"""

from collections.abc import Sequence
from textwrap import indent

from seachange_migrations.sql import literal, quoted
from seachange_migrations.sync.spec import Sync
from seachange_migrations.sync.table import Column

# Whatever fails but for a cancellation, which is the writer's own.
CAUGHT = "EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN"
FIXED_PATH = "SET search_path = pg_catalog, pg_temp"
# In which a key is written as text, whatever the session's are.
FIXED_STYLE = "SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC' SET extra_float_digits = 3 SET bytea_output = 'hex'"


def record(values: Sequence[str]) -> str:
    """Values as one anonymous record."""
    return f"ROW({', '.join(values)})::pg_catalog.record"


def of(row: str, columns: Sequence[Column]) -> list[str]:
    """The columns of a row, such as NEW."""
    return [f"{row}.{quoted(column.name)}" for column in columns]


def same(left: Sequence[str], right: Sequence[str]) -> str:
    return f"{record(left)} OPERATOR(pg_catalog.*=) {record(right)}"


def differ(left: Sequence[str], right: Sequence[str]) -> str:
    return f"{record(left)} OPERATOR(pg_catalog.*<>) {record(right)}"


def text_of(row: str, columns: Sequence[Column]) -> str:
    """Columns of a row as a JSON object of texts, which loses nothing."""
    pairs = (f"{literal(column.name)}, {row}.{quoted(column.name)}::pg_catalog.text" for column in columns)
    return f"pg_catalog.jsonb_build_object({', '.join(pairs)})"


def declared(prefix: str, columns: Sequence[Column]) -> str:
    """Variables with the columns' types: an assignment casts as one to the column does. Domains are judged in the row itself."""
    return "\n".join(f"{prefix}{number} {column.base};" for number, column in enumerate(columns))


def variables(prefix: str, columns: Sequence[Column]) -> list[str]:
    return [f"{prefix}{number}" for number in range(len(columns))]


def arguments(*column_sets: Sequence[Column]) -> str:
    return ", ".join(f"{quoted(column.name)} {column.type}" for columns in column_sets for column in columns)


def plain(values: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """Values of domains as what these are made of: records with other column types cannot be compared."""
    return [
        f"{value}::{column.base}" if column.is_domain else value for value, column in zip(values, columns, strict=True)
    ]


def assign(row: str, columns: Sequence[Column], values: Sequence[str]) -> str:
    return "\n".join(f"{row}.{quoted(column.name)} := {value};" for column, value in zip(columns, values, strict=True))


def plpgsql(
    sync: Sync, part: str, taken: str, returned: str, body: str, *, declare: str = "", options: str = ""
) -> str:
    """A function of `sync` in PL/pgSQL."""
    declarations = f"DECLARE\n{indent(declare, '    ')}\n" if declare else ""
    return (
        f"CREATE FUNCTION {sync.function(part)}({taken}) RETURNS {returned} LANGUAGE plpgsql {options} AS $seachange$\n"
        f"{declarations}BEGIN\n{indent(body, '    ')}\nEND\n$seachange$"
    )
