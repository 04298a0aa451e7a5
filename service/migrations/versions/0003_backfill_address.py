"""Backfill the structured address of the rows that were there before

Revises: 0002
"""

from alembic import op
from alembic.util import CommandError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.backfill("customers", schema="public", sync="customers_address")


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
