"""Native enumerations, whose values Alembic does not compare."""

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGInspector

from seachange.authoring.comparison import Comparison
from seachange.authoring.named_types import native_enum
from seachange.authoring.python import call


def change(comparison: Comparison) -> None:
    """New types are made in expand. A value more or less is a question: the serving release fails when it reads one it does not know."""
    inspector = comparison.autogen.inspector
    assert isinstance(inspector, PGInspector)
    known = {(found["schema"], found["name"]): found["labels"] for found in inspector.get_enums(schema="*")}
    default = inspector.default_schema_name
    seen = set()
    for enum in _native(comparison):
        key = (enum.schema or default, str(enum.name))
        if key in seen:
            continue
        seen.add(key)
        if key in known:
            _compare(comparison, enum, known[key])
        else:
            labels = ", ".join(map(_literal, enum.enums))
            statement = f"CREATE TYPE {comparison.quoted(enum.schema, str(enum.name))} AS ENUM ({labels})"
            comparison.changes.expand.add(call("op.execute", statement))


def _native(comparison: Comparison) -> Iterator[sa.Enum]:
    for table in comparison.autogen.sorted_tables:
        for column in table.columns:
            if (enum := native_enum(column.type)) is not None:
                yield enum


def _compare(comparison: Comparison, enum: sa.Enum, labels: list[str]) -> None:
    expand, name = comparison.changes.expand, comparison.quoted(enum.schema, str(enum.name))
    if added := [value for value in enum.enums if value not in labels]:
        expand.ask(
            f"type {name} gets {', '.join(map(repr, added))}: can the serving release read {'it' if len(added) == 1 else 'them'}?",
            "Yes, or the new release writes none before the contract phase: delete this raise.\n"
            "No: split the release in two; the first one learns to read the value, the second writes it.",
        )
        for value in added:
            statement = f"ALTER TYPE {name} ADD VALUE IF NOT EXISTS {_literal(value)}"
            why = "The serving release can read it, or the new one writes none before the contract phase."
            expand.add(call("op.execute", statement), why, allow="enum-value")
    if gone := [label for label in labels if label not in enum.enums]:
        expand.ask(
            f"type {name} has {', '.join(map(repr, gone))} no more: what becomes of the rows that hold {'it' if len(gone) == 1 else 'them'}?",
            "PostgreSQL takes no value out of a type. Keep it in the model, or take a column of another name and type with\n"
            '"changed_from" in its info, whose "forward" maps the value. Then delete these revisions and generate them again.',
        )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
