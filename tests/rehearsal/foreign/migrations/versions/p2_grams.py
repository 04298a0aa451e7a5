"""Weights in whole grams"""

import sqlalchemy as sa
from alembic import op

revision = "p2"
down_revision = "p1"
phase = "expand"


def upgrade() -> None:
    op.sync_columns(
        "parcels",
        name="parcels_weight",
        old="weight_kg",
        new={"weight_g": sa.Integer},
        forward="(weight_kg * 1000)::integer",
        backward="(weight_g / 1000.0)::numeric(8, 3)",
    )
