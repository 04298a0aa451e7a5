"""Alembic's environment: each revision in a transaction of its own, on the caller's connection when it brings one."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool


def run(connection: Connection) -> None:
    """Run the wanted revisions on `connection`.

    One transaction per revision: by Alembic's default all locks would be held until the last one has run.
    """
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    engine = create_engine(
        context.config.get_main_option("sqlalchemy.url") or "postgresql+psycopg://", poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        run(connection)
