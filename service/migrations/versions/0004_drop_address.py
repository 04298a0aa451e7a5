"""Drop the single address, its conversion and its trigger: no release before v2 is left

Revises: 0001, after 0003

Refused while an address would be lost: one that is not converted, or one that waits for repair.
"""

from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0001"
branch_labels = ("contract",)
depends_on = "0003"


def upgrade() -> None:
    op.drop_synced("customers", schema="public", sync="customers_address")
    op.execute("DROP FUNCTION public.customers_address_forward(text)")
    op.execute("DROP FUNCTION public.customers_address_backward(text, text, text, text)")


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
