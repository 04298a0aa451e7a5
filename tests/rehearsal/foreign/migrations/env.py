"""An environment of its own kind: an engine from `sqlalchemy.url`, its own version table, metadata of SQLAlchemy's core."""

from alembic import context
from sqlalchemy import MetaData, create_engine, pool

import seachange_migrations.operations  # noqa: F401 (op.sync_columns, op.backfill)

metadata = MetaData()
VERSIONS = "parcels_revision"

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", target_metadata=metadata, version_table=VERSIONS, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    given = context.config.attributes.get("connection")
    url = context.config.get_main_option("sqlalchemy.url")
    connection = given or create_engine(url or "", poolclass=pool.NullPool).connect()
    context.configure(
        connection=connection, target_metadata=metadata, version_table=VERSIONS, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
    if given is None:
        connection.close()
