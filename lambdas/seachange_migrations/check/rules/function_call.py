"""A function or procedure is called that does no one knows what.

What it changes does not show in the statement.

Source: [CALL](https://www.postgresql.org/docs/current/sql-call.html)
"""

from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.names import strings
from seachange_migrations.check.parser import Parsed, kinds
from seachange_migrations.check.rule import Hit
from seachange_migrations.check.rules.rewrite_table import ONCE
from seachange_migrations.check.so_far import SoFar

VERDICT = Verdict.UNKNOWN
# They read, or another rule knows them.
KNOWN = ONCE | {
    "count", "max", "min", "sum", "avg", "bool_or", "bool_and", "array_agg", "string_agg", "length", "char_length", "trim", "btrim",
    "unnest", "row_number", "to_regclass", "set_config", "setval", "currval", "pg_get_serial_sequence", "version", "pg_sleep",
    "pg_advisory_xact_lock", "pg_advisory_lock", "pg_advisory_unlock", "current_schema", "current_database", "substring", "round",
    "clock_timestamp", "gen_random_uuid", "random", "nextval", "generate_series", "has_table_privilege", "pg_typeof", "replace",
    "jsonb_array_elements", "jsonb_object_keys", "json_array_elements", "regexp_replace", "split_part", "position", "greatest",
}  # fmt: skip


def find(statement: Parsed, so_far: SoFar) -> Iterator[Hit]:
    del so_far
    if statement.kind in {"SelectStmt", "CallStmt"}:
        called = {".".join(strings(call.funcname)) for call in kinds(statement.node, "FuncCall")}
        unknown = sorted(name for name in called if name.split(".")[-1] not in KNOWN)
        if unknown:
            yield Hit(
                f"calls {', '.join(unknown)}, which may change anything.",
                "Write out what it does, or let a scratch database show it: `seachange check --url …`.",
            )
