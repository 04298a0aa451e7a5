"""`batch_alter_table(recreate="always")` copies the table and puts the copy in its place.

What the serving release writes while the copy is made is lost with the old table, and so are triggers, grants, and
constraints that the reflection does not see. PostgreSQL alters tables in place; only SQLite needs this.

Source: [Alembic, batch migrations](https://alembic.sqlalchemy.org/en/latest/batch.html)
"""

import ast
from collections.abc import Iterator

from seachange_migrations.check.findings import Verdict
from seachange_migrations.check.rule import Hit

VERDICT = Verdict.CONTRACT


def find_in_source(tree: ast.Module) -> Iterator[tuple[int, Hit]]:
    for call in ast.walk(tree):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "batch_alter_table"
            and any(
                keyword.arg == "recreate"
                and isinstance(keyword.value, ast.Constant)
                and keyword.value.value == "always"
                for keyword in call.keywords
            )
        ):
            yield (
                call.lineno,
                Hit(
                    "copies the whole table and replaces it: what is written meanwhile is lost.",
                    "Leave `recreate` out: PostgreSQL then alters the table in place.",
                ),
            )
