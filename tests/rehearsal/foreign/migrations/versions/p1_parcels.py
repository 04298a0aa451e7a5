"""Parcels and their scans"""

import sqlalchemy as sa
from alembic import op

revision = "p1"
down_revision = None
phase = "expand"


def upgrade() -> None:
    op.create_table(
        "parcels",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("weight_kg", sa.Numeric(8, 3)),
    )
    op.create_table(
        "scans",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("parcel_id", sa.Uuid, sa.ForeignKey("parcels.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
