"""Backfill the structured address of the rows that were there before

Revises: 0002

In committed batches that wait for no row: a row in use is skipped and taken in a later pass. Done when a fresh pass
over the whole table finds no row whose parts differ from what its address converts to. Safe to stop at any moment and
to run again.
"""

import time
from collections.abc import Iterator

from alembic import op
from alembic.util import CommandError
from sqlalchemy import Connection

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PAGE = 1000  # rows: some 20 ms per transaction, the longest that a writer waits for a row of the batch
PAUSE = 0.05  # seconds between passes that could not take a row
PATIENCE = 60.0  # seconds without progress

IN_REPAIR = "id IN (SELECT customer_id FROM public.customers_address_repair WHERE customer_id IS NOT NULL)"
# The first term only spares the untouched rows a conversion; what a trigger or an earlier run left is compared, not assumed.
FIND = f"""
    WITH page AS (
        SELECT id, NOT {IN_REPAIR} AND (
            (num_nonnulls(street_address, city, state, zip_code) = 0 AND address IS NOT NULL)
            OR ROW(street_address, city, state, zip_code)::record *<> public.customers_address_forward(address)
        ) AS behind
        FROM public.customers WHERE id > %(after)s ORDER BY id LIMIT {PAGE}
    )
    SELECT max(id), coalesce(array_agg(id ORDER BY id) FILTER (WHERE behind), '{{}}') FROM page
"""
LOCK = "SELECT id FROM public.customers WHERE id = ANY(%(ids)s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
# A statement of its own, so that it sees the locked rows as they are now and not as they were when they were found.
CONVERT = f"""
    UPDATE public.customers SET (street_address, city, state, zip_code) = (
        SELECT part.street_address, part.city, part.state, part.zip_code
        FROM public.customers_address_forward(customers.address) AS part
    ) WHERE id = ANY(%(ids)s) AND NOT {IN_REPAIR}
"""


def upgrade() -> None:
    context = op.get_context()
    if context.as_sql:
        raise CommandError("revision 0003 reads rows to decide what to write; run it on a connection, without --sql")
    attributes = context.config.attributes if context.config else {}
    attributes.setdefault("seachange.rows_backfilled", 0)
    with context.autocommit_block():
        connection = op.get_bind()
        last_progress = time.monotonic()
        while True:
            found = 0
            for ids in behind(connection):
                found += len(ids)
                if converted := convert(connection, ids):
                    attributes["seachange.rows_backfilled"] += converted
                    last_progress = time.monotonic()
            if not found:
                break
            if time.monotonic() - last_progress > PATIENCE:
                raise CommandError(
                    f"{found} rows of customers have been locked by other sessions for {PATIENCE:.0f} s; end those "
                    "sessions, then run the migration again: it goes on where it stopped"
                )
            time.sleep(PAUSE)


def behind(connection: Connection) -> Iterator[list[int]]:
    """One pass over the table by key: per page, the rows that are not converted yet."""
    after = -(2**63)
    while True:
        last, ids = connection.exec_driver_sql(FIND, {"after": after}).one()
        if last is None:
            return
        if ids:
            yield ids
        after = last


def convert(connection: Connection, ids: list[int]) -> int:
    """Convert those of the rows that nobody else holds, in one transaction; how many."""
    with connection.connection.driver_connection.transaction():  # psycopg's own, for SQLAlchemy is in autocommit here
        connection.exec_driver_sql("SET LOCAL seachange.sync = 'off'")
        free = connection.exec_driver_sql(LOCK, {"ids": ids}).scalars().all()
        return connection.exec_driver_sql(CONVERT, {"ids": free}).rowcount


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
