"""The grams of the parcels that were there before"""

from alembic import op

revision = "p3"
down_revision = "p2"
phase = "expand"


def upgrade() -> None:
    op.backfill("parcels", sync="parcels_weight")
