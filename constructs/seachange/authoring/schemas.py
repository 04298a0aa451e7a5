"""Which schemas of the database a comparison looks into."""

from collections.abc import Mapping
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.util import to_list

from seachange_migrations import state


def include(context: MigrationContext) -> None:
    """Compares the schemas that the models name too, and no others. An env.py that includes schemas itself has said which.

    Alembic alone sees the default schema only, and makes the tables of others again with each revision. What env.py filters
    stays filtered.
    """
    options = context.opts
    tables = [table for metadata in to_list(options["target_metadata"]) for table in metadata.tables.values()]
    named = {table.schema for table in tables} - {None, context.dialect.default_schema_name, state.SCHEMA}
    if not named or options.get("include_schemas"):
        return
    own = options.get("include_name")

    def include_name(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
        # The default schema has no name here.
        if kind == "schema" and name is not None and name not in named:
            return False
        return own is None or bool(own(name, kind, parents))

    options.update(include_schemas=True, include_name=include_name)
