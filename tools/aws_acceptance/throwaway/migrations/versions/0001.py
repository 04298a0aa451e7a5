"""Release v1's schema."""

from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE public.acceptance (id bigint PRIMARY KEY)")


def downgrade() -> None:
    raise CommandError("a database is never downgraded")
