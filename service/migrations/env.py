"""Alembic's environment: each revision in a transaction of its own, on the caller's connection when it brings one."""

import os
from typing import Any

from alembic import context
from sqlalchemy import create_engine, make_url, pool

# The models' metadata, which autogenerate compares with the database: `from shop.models import Base`, then
# `target_metadata = Base.metadata`.
target_metadata = None


def include_name(name: str | None, kind: str, _: object) -> bool:
    """Leave the migration engine's own schema out of every comparison."""
    return not (kind == "schema" and name == "seachange")


def run(**where: Any) -> None:
    """Run the wanted revisions, each in a transaction of its own.

    By Alembic's default all locks would be held until the last one has run.
    """
    import seachange_migrations.operations  # noqa: F401 - op.backfill and the like, for Alembic's own command line

    context.configure(
        target_metadata=target_metadata,
        include_name=include_name,
        compare_server_default=True,
        transaction_per_migration=True,
        **where,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run(dialect_name="postgresql", literal_binds=True)
elif (given := context.config.attributes.get("connection")) is not None:
    run(connection=given)
else:
    # Alembic's own command line: `sqlalchemy.url` of alembic.ini, else DATABASE_URL, else libpq's environment.
    url = make_url(
        context.config.get_main_option("sqlalchemy.url") or os.environ.get("DATABASE_URL") or "postgresql://"
    )
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        run(connection=connection)
